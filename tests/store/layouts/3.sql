PRAGMA user_version=3;
BEGIN TRANSACTION;
CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE boxes (id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL);
INSERT INTO "boxes" VALUES('web--front--2',0,'10.231.0.3');
CREATE TABLE commits (
    source TEXT NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL, author_ms INTEGER NOT NULL,
    committer TEXT NOT NULL, subject TEXT NOT NULL, signer TEXT NOT NULL,
    judged_ms INTEGER NOT NULL,
    PRIMARY KEY (source, id));
INSERT INTO "commits" VALUES('web','4f1c2b7ad3a94f0e8d5c6b1a2f3e4d5c6b7a8f90','ann',1796000000000,'ann','Bring the front','ssh:SHA256:x',1796000000000);
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
INSERT INTO "holds" VALUES('web','front',1796078785913,'the disk is being changed','ann',1795992385913);
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
INSERT INTO "journal" VALUES(1,1795992385619,'ann','apply','web revision 1','','done',0,'a8cba5f84524dd87f2250dfec88dcccc0139183d8f1a0e7721423e4f28f3ce9e','c193b5089ce28d5b5edf7ef15fd3c1b49f8f0a25432810a457d40f7de59d0e77');
INSERT INTO "journal" VALUES(2,1795992385643,'ann','create','web--front--1','no box yet','',0,'c193b5089ce28d5b5edf7ef15fd3c1b49f8f0a25432810a457d40f7de59d0e77','22fddee757ebf40b218fb742299f8c0b3cc6e2a2179bb8dc7ef469a0bbad3b75');
INSERT INTO "journal" VALUES(3,1795992385643,'ann','start','web--front--1','no box yet','',0,'22fddee757ebf40b218fb742299f8c0b3cc6e2a2179bb8dc7ef469a0bbad3b75','d9a325efd8973be5a11a3d9d98d4e14a9827b5fe039e257214ff8f7adb72dac9');
INSERT INTO "journal" VALUES(4,1795992385747,'ann','result','web--front--1','','done',2,'d9a325efd8973be5a11a3d9d98d4e14a9827b5fe039e257214ff8f7adb72dac9','a9c182d63317f76f90508f0a4a87d57f82e979aa4205a68189ebf02af3a9d3ad');
INSERT INTO "journal" VALUES(5,1795992385747,'ann','result','web--front--1','','done',3,'a9c182d63317f76f90508f0a4a87d57f82e979aa4205a68189ebf02af3a9d3ad','fafa3613cd04cddeaa1f8e565943798affecab4c4fd83876e341fafda0dde770');
INSERT INTO "journal" VALUES(6,1795992385747,'ann','prepare network','network','bridge or table are missing','done',0,'fafa3613cd04cddeaa1f8e565943798affecab4c4fd83876e341fafda0dde770','76954e568524536dcc755f175b08ae241a2e604cf7fa5058aebb4f614dcd1472');
INSERT INTO "journal" VALUES(7,1795992385747,'ann','set quota','web','the owner has no cgroup yet','done',0,'76954e568524536dcc755f175b08ae241a2e604cf7fa5058aebb4f614dcd1472','a19896366e9a21a77439832277cd0271240178f13c8db73a80b0afd92123eb77');
INSERT INTO "journal" VALUES(8,1795992385831,'ann','apply','web revision 2','','done',0,'a19896366e9a21a77439832277cd0271240178f13c8db73a80b0afd92123eb77','c8f5616fb93947e3e54ec6f53beb5a6cef2e6a6f75d52e2bbc90af03fc27581a');
INSERT INTO "journal" VALUES(9,1795992385839,'ann','create','web--front--2','its declaration changed','',0,'c8f5616fb93947e3e54ec6f53beb5a6cef2e6a6f75d52e2bbc90af03fc27581a','2e2656d0fdc2ecf576c1790e7a5af13d105fc68afe18ec1ab33c10b9e100b6b2');
INSERT INTO "journal" VALUES(10,1795992385839,'ann','start','web--front--2','its declaration changed','',0,'2e2656d0fdc2ecf576c1790e7a5af13d105fc68afe18ec1ab33c10b9e100b6b2','13a348e6c5e1fbf48a7e3951aa835db252851e19644c792a420817afc43ec15e');
INSERT INTO "journal" VALUES(11,1795992385839,'ann','stop','web--front--1','succeeded by web--front--2','',0,'13a348e6c5e1fbf48a7e3951aa835db252851e19644c792a420817afc43ec15e','943fddfb82cb148a51755471de5597d8314509561c08996b69a66b5ff8441ff3');
INSERT INTO "journal" VALUES(12,1795992385839,'ann','remove','web--front--1','succeeded by web--front--2','',0,'943fddfb82cb148a51755471de5597d8314509561c08996b69a66b5ff8441ff3','c5451fa5d414e9d6f42903fd41b908765d753347e762ccfb3ba3d389f40e3ba0');
INSERT INTO "journal" VALUES(13,1795992385893,'ann','result','web--front--2','','done',9,'c5451fa5d414e9d6f42903fd41b908765d753347e762ccfb3ba3d389f40e3ba0','f96df3c3dc218e771a12af9f05e0040d5842965fa950a829533e7a96ed4792b9');
INSERT INTO "journal" VALUES(14,1795992385893,'ann','result','web--front--2','','done',10,'f96df3c3dc218e771a12af9f05e0040d5842965fa950a829533e7a96ed4792b9','fcd767ba0479366626c3a732707963f846d64dbc79fb07b2ed1db44105a6f63f');
INSERT INTO "journal" VALUES(15,1795992385893,'ann','result','web--front--1','','done',11,'fcd767ba0479366626c3a732707963f846d64dbc79fb07b2ed1db44105a6f63f','968e74a1f7592f434a7960097d82c3d625ef74e844d60dd81d69706a89d1372e');
INSERT INTO "journal" VALUES(16,1795992385893,'ann','result','web--front--1','','done',12,'968e74a1f7592f434a7960097d82c3d625ef74e844d60dd81d69706a89d1372e','53ad6382ad6e5b38ac005a316321a1845a28dd10ac6f1d304d2c09c6eb122469');
INSERT INTO "journal" VALUES(17,1795992385913,'ann','hold','front.web','held until 2026-11-30 22:46 UTC: the disk is being changed','done',0,'53ad6382ad6e5b38ac005a316321a1845a28dd10ac6f1d304d2c09c6eb122469','528e8cc54a165aab2ca3362f0e1c7de48356f1bc6a10bf36269ff8daa87e25cf');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('installation','ed291f7d0c9e0a0e');
INSERT INTO "meta" VALUES('key','ade5adba83b3d3d2f7148aeb92caded09584e056e8549ac33e550dfccb0b46e7');
INSERT INTO "meta" VALUES('engine','memory ');
INSERT INTO "meta" VALUES('ranges','10.231.0.0/17 10.231.128.0/17');
INSERT INTO "meta" VALUES('address_last','10.231.0.3');
INSERT INTO "meta" VALUES('under way','');
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
INSERT INTO "revisions" VALUES('web',1,1795992385619,'ann','apply','','',0,'converged',0);
INSERT INTO "revisions" VALUES('web',2,1795992385831,'ann','apply','','',0,'converged',1);
CREATE TABLE services (
    owner TEXT NOT NULL, service TEXT NOT NULL, key TEXT NOT NULL, serial_last INTEGER NOT NULL,
    uid_base INTEGER NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE,
    healthy_set TEXT NOT NULL DEFAULT '', healthy_revision INTEGER NOT NULL DEFAULT 0,
    held_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, service));
INSERT INTO "services" VALUES('web','front','ac0df28445529c00',2,1048576,'10.231.128.2','web',2,0);
CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);
INSERT INTO "sets" VALUES('web',0);
CREATE TABLE sources (
    name TEXT PRIMARY KEY, looked_ms INTEGER NOT NULL, seen TEXT NOT NULL, state TEXT NOT NULL,
    problems TEXT NOT NULL, good TEXT NOT NULL, start TEXT NOT NULL, good_ms INTEGER NOT NULL);
INSERT INTO "sources" VALUES('web',1796000000000,'4f1c2b7ad3a94f0e8d5c6b1a2f3e4d5c6b7a8f90','refused','[]','','',0);
CREATE TABLE strict (
    owner TEXT NOT NULL, service TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
INSERT INTO "strict" VALUES('web','front',1);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',17);
COMMIT;
