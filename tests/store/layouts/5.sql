PRAGMA user_version=5;
BEGIN TRANSACTION;
CREATE TABLE alarms (
    owner TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL,
    since_ms INTEGER NOT NULL, standing INTEGER NOT NULL, told INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, subject));
CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE boxes (
    id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL, stop_signal TEXT,
    stop_grace_ms INTEGER);
INSERT INTO "boxes" VALUES('web--front--2',0,'10.231.0.3','',10000);
CREATE TABLE commits (
    source TEXT NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL, author_ms INTEGER NOT NULL,
    committer TEXT NOT NULL, subject TEXT NOT NULL, signer TEXT NOT NULL,
    judged_ms INTEGER NOT NULL,
    PRIMARY KEY (source, id));
CREATE TABLE documents (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (set_name, number, position));
INSERT INTO "documents" VALUES('web',1,0,'web.yaml','orchestr8: 1
owner: web
services:
  front: {image: front:1, health: {tcp: 80, every: 100ms}}
');
INSERT INTO "documents" VALUES('web',2,0,'web.yaml','orchestr8: 1
owner: web
services:
  front: {image: front:2, health: {tcp: 80, every: 100ms}}
');
INSERT INTO "documents" VALUES('rules',1,0,'p.yaml','orchestr8: 1
platform:
  owners:
    web: {members: ["token:ci"]}
');
CREATE TABLE failures (
    owner TEXT NOT NULL, service TEXT NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, cause TEXT NOT NULL, lines TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (owner, service, slot));
CREATE TABLE files (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (set_name, number, source));
CREATE TABLE holds (
    owner TEXT NOT NULL, service TEXT NOT NULL, until_ms INTEGER NOT NULL, reason TEXT NOT NULL,
    actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
CREATE TABLE homes (
    kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, set_name TEXT NOT NULL,
    PRIMARY KEY (kind, owner, name));
CREATE TABLE images (reference TEXT PRIMARY KEY, facts TEXT NOT NULL);
INSERT INTO "images" VALUES('front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('front:2','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "labels": [], "ports": [], "reference": "front:2", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL, result TEXT NOT NULL,
    intent INTEGER NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO "journal" VALUES(1,1796036634769,'ann','apply','web revision 1','','done',0,'7c35401e4b918cf40ed8e5cb5f53f49c5fabc1c496bda9b6dd4e9a9cd25e52a2','cda51bd0318de462b26a2ea2bab4abe445170d0df45a1fee3e418fe0b8e51fd2');
INSERT INTO "journal" VALUES(2,1796036634796,'ann','create','web--front--1','no box yet','',0,'cda51bd0318de462b26a2ea2bab4abe445170d0df45a1fee3e418fe0b8e51fd2','378d63a3a17ebab64b96adb98abca6d2a6401098b3aa64a5367049f1ae6192c2');
INSERT INTO "journal" VALUES(3,1796036634796,'ann','start','web--front--1','no box yet','',0,'378d63a3a17ebab64b96adb98abca6d2a6401098b3aa64a5367049f1ae6192c2','1ca775d923db46820ee5c9a66042576edb60640a26d7817683fc08341df8ab8f');
INSERT INTO "journal" VALUES(4,1796036634822,'ann','result','web--front--1','','done',2,'1ca775d923db46820ee5c9a66042576edb60640a26d7817683fc08341df8ab8f','2282a12b69657fa163d5b2e03bd4af7617a2d6fb558f6667de04b936f6d9325b');
INSERT INTO "journal" VALUES(5,1796036634822,'ann','result','web--front--1','','done',3,'2282a12b69657fa163d5b2e03bd4af7617a2d6fb558f6667de04b936f6d9325b','e3adbe35ee7e8b4ca18927168ae26b03b34d07740c97e3962298769a7c50431e');
INSERT INTO "journal" VALUES(6,1796036634822,'ann','prepare network','network','bridge or table are missing','done',0,'e3adbe35ee7e8b4ca18927168ae26b03b34d07740c97e3962298769a7c50431e','861be1871ff1eeab0425a5c097637e341f8fb9d1b0883039e8f9caaacc7f2473');
INSERT INTO "journal" VALUES(7,1796036634822,'ann','set quota','web','the owner has no cgroup yet','done',0,'861be1871ff1eeab0425a5c097637e341f8fb9d1b0883039e8f9caaacc7f2473','0d31256f14b0e26f6f4fe99d5da4bdc2158a4ad5cf49b1538e1691f9a7f202d5');
INSERT INTO "journal" VALUES(8,1796036634903,'ann','apply','web revision 2','','done',0,'0d31256f14b0e26f6f4fe99d5da4bdc2158a4ad5cf49b1538e1691f9a7f202d5','37d98d9ae339c9f2b583001b2747c0e18f387b0828cc00b52160694783c52356');
INSERT INTO "journal" VALUES(9,1796036634909,'ann','create','web--front--2','its declaration changed','',0,'37d98d9ae339c9f2b583001b2747c0e18f387b0828cc00b52160694783c52356','771134881438ee6ef7bb3bfdb166482bc1ad558b3896f3ce5c00a18db7ce9fc1');
INSERT INTO "journal" VALUES(10,1796036634909,'ann','start','web--front--2','its declaration changed','',0,'771134881438ee6ef7bb3bfdb166482bc1ad558b3896f3ce5c00a18db7ce9fc1','fa4992a5b7f9d2c60d3520978072187a389027ebd7c4415d02b684613ff02e59');
INSERT INTO "journal" VALUES(11,1796036634909,'ann','stop','web--front--1','succeeded by web--front--2','',0,'fa4992a5b7f9d2c60d3520978072187a389027ebd7c4415d02b684613ff02e59','40dcd6bb7aee81bc33b3035aea8ad9df7316e502bbc414b64ef26c18a9473394');
INSERT INTO "journal" VALUES(12,1796036634909,'ann','remove','web--front--1','succeeded by web--front--2','',0,'40dcd6bb7aee81bc33b3035aea8ad9df7316e502bbc414b64ef26c18a9473394','dedc3bcb9ff5b360b1966302914e1e6ad9d1268081a33c652c34e3322b254e7d');
INSERT INTO "journal" VALUES(13,1796036634943,'ann','result','web--front--2','','done',9,'dedc3bcb9ff5b360b1966302914e1e6ad9d1268081a33c652c34e3322b254e7d','5655ba53b93820d9e920ce9b69cf38472fb3c37c4698f01020022d6fecb7467d');
INSERT INTO "journal" VALUES(14,1796036634943,'ann','result','web--front--2','','done',10,'5655ba53b93820d9e920ce9b69cf38472fb3c37c4698f01020022d6fecb7467d','1a1dd180402927571cc5e2239833f319f377f7488e32e79866b4625e4a598f49');
INSERT INTO "journal" VALUES(15,1796036634943,'ann','result','web--front--1','','done',11,'1a1dd180402927571cc5e2239833f319f377f7488e32e79866b4625e4a598f49','5f3f32a30d68eef432e7e3dbc87e2a059e8d63e96052eb8715dd2f03f3705fae');
INSERT INTO "journal" VALUES(16,1796036634943,'ann','result','web--front--1','','done',12,'5f3f32a30d68eef432e7e3dbc87e2a059e8d63e96052eb8715dd2f03f3705fae','e7ed6be6a3d467c86efb48037a28ddd8e93c609b4bc724049f8b436eb7b701af');
INSERT INTO "journal" VALUES(17,1796036635032,'ann','apply','rules revision 1','','done',0,'e7ed6be6a3d467c86efb48037a28ddd8e93c609b4bc724049f8b436eb7b701af','0f785d0c328547e86d1e93e27d0d7791a7496b0b300909d4283f124f8c39f67d');
INSERT INTO "journal" VALUES(18,1796036635094,'ann','token create','token ci','of web, until 2027-03-26 04:50 UTC','done',0,'0f785d0c328547e86d1e93e27d0d7791a7496b0b300909d4283f124f8c39f67d','68662d2d7ac656e9aa0bf7c448b0ca8b4726c48b47c6cad9bb030f273521419f');
INSERT INTO "journal" VALUES(19,1796036635184,'ann','token create','token old','of web, until 2027-03-26 04:50 UTC','done',0,'68662d2d7ac656e9aa0bf7c448b0ca8b4726c48b47c6cad9bb030f273521419f','987f39b07565805a0bca74f2ceececfa4d7e3047409e09357829df9844923325');
INSERT INTO "journal" VALUES(20,1796036635192,'ann','token create','token laptop','of web, until 2027-03-26 04:50 UTC','done',0,'987f39b07565805a0bca74f2ceececfa4d7e3047409e09357829df9844923325','554cd6d564e84e17ad5540a55c465e3b21c1e114c3b2e9d5c37565c02f064235');
INSERT INTO "journal" VALUES(21,1796036635199,'ann','token revoke','token old','','done',0,'554cd6d564e84e17ad5540a55c465e3b21c1e114c3b2e9d5c37565c02f064235','20b31b8c5ab6c1665291f28492d935819a1e076e9e67e5e5c6a6bd9da86b0a3c');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('installation','996af0a154189fbb');
INSERT INTO "meta" VALUES('key','ba67a20b3d04e6d68a38dfebcf4b158580d6077c3eb870b043d874f92eac1a39');
INSERT INTO "meta" VALUES('engine','memory ');
INSERT INTO "meta" VALUES('ranges','10.231.0.0/17 10.231.128.0/17');
INSERT INTO "meta" VALUES('address_last','10.231.0.3');
INSERT INTO "meta" VALUES('under way','');
INSERT INTO "meta" VALUES('platform','stored');
CREATE TABLE overrides (
    owner TEXT NOT NULL, service TEXT NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL,
    manifest_value TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service, path));
CREATE TABLE pins (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, reference TEXT NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (set_name, number, reference));
INSERT INTO "pins" VALUES('web',1,'front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "pins" VALUES('web',2,'front:2','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "labels": [], "ports": [], "reference": "front:2", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    verb TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', commit_id TEXT NOT NULL DEFAULT '',
    repeats INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (set_name, number));
INSERT INTO "revisions" VALUES('web',1,1796036634769,'ann','apply','','',0,'converged',0);
INSERT INTO "revisions" VALUES('web',2,1796036634903,'ann','apply','','',0,'converged',1);
INSERT INTO "revisions" VALUES('rules',1,1796036635032,'ann','apply','','',0,'converged',1);
CREATE TABLE services (
    owner TEXT NOT NULL, service TEXT NOT NULL, key TEXT NOT NULL, serial_last INTEGER NOT NULL,
    uid_base INTEGER NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE,
    healthy_set TEXT NOT NULL DEFAULT '', healthy_revision INTEGER NOT NULL DEFAULT 0,
    held_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, service));
INSERT INTO "services" VALUES('web','front','8b48a19c90d5dad2',2,1048576,'10.231.128.2','web',2,0);
CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);
INSERT INTO "sets" VALUES('web',0);
INSERT INTO "sets" VALUES('rules',0);
CREATE TABLE sources (
    name TEXT PRIMARY KEY, looked_ms INTEGER NOT NULL, seen TEXT NOT NULL, state TEXT NOT NULL,
    problems TEXT NOT NULL, good TEXT NOT NULL, start TEXT NOT NULL, good_ms INTEGER NOT NULL);
CREATE TABLE strict (
    owner TEXT NOT NULL, service TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
INSERT INTO "strict" VALUES('web','front',1);
CREATE TABLE tokens (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, made_ms INTEGER NOT NULL,
    made_by TEXT NOT NULL, until_ms INTEGER NOT NULL);
INSERT INTO "tokens" VALUES('ci','3b74f21cad4fa47570905c56a6ecdcb6dbb932438bfc992727e49fcb3a210e2a','web',1796036635093,'ann',1806036635093);
INSERT INTO "tokens" VALUES('laptop','feb15ed836707a7531960767c61b1bf921bdda2ba9b55db518d4ab5662cc9b1d','web',1796036635192,'ann',1806036635093);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',21);
COMMIT;
