PRAGMA user_version=4;
BEGIN TRANSACTION;
CREATE TABLE alarms (
    owner TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL,
    since_ms INTEGER NOT NULL, standing INTEGER NOT NULL, told INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, subject));
CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE boxes (id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL);
INSERT INTO "boxes" VALUES('web--front--2',0,'10.231.0.3');
CREATE TABLE commits (
    source TEXT NOT NULL, id TEXT NOT NULL, author TEXT NOT NULL, author_ms INTEGER NOT NULL,
    committer TEXT NOT NULL, subject TEXT NOT NULL, signer TEXT NOT NULL,
    judged_ms INTEGER NOT NULL,
    PRIMARY KEY (source, id));
CREATE TABLE documents (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (set_name, number, position));
INSERT INTO "documents" VALUES('web',1,0,'m.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:1", args: [run], health: {tcp: 80}, publish: {127.0.0.1:18080: 80}}
');
INSERT INTO "documents" VALUES('web',2,0,'m.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:2", args: [run], health: {tcp: 80}, publish: {127.0.0.1:18080: 80}}
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
INSERT INTO "images" VALUES('front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:218c8871c78137eb5aa4cd820ba2b564c0fb809f043b2e6a42a1fe224f84ad9a", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('front:2','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:e931fb332de0d9074f942014922e8cc51623566811e1e299f6c32012508bf755", "labels": [], "ports": [], "reference": "front:2", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL, result TEXT NOT NULL,
    intent INTEGER NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO "journal" VALUES(1,1796003426636,'ann','apply','web revision 1','','done',0,'3ed1adcb56ea54226384c9af4d737b0b63e51d8435e011c75ba31b43ca548efa','c043e1fe2986ea0a60de5ba8ca894af9fb378f29890722b6de62f74fb9cfec5f');
INSERT INTO "journal" VALUES(2,1796003426682,'ann','create','web--front--1','no box yet','',0,'c043e1fe2986ea0a60de5ba8ca894af9fb378f29890722b6de62f74fb9cfec5f','83c048de6900916fc9a3ef40191acd496eb9732165b00c0f19db8ad3482bd4e7');
INSERT INTO "journal" VALUES(3,1796003426682,'ann','start','web--front--1','no box yet','',0,'83c048de6900916fc9a3ef40191acd496eb9732165b00c0f19db8ad3482bd4e7','837b4f8caf1ebcba8d26336d1b5763aca1264c97d6e4ff2930cb42a94e2b42bc');
INSERT INTO "journal" VALUES(4,1796003426748,'ann','result','web--front--1','','done',2,'837b4f8caf1ebcba8d26336d1b5763aca1264c97d6e4ff2930cb42a94e2b42bc','a49069a491209d9bd34b35d9e2a06793f52f4bf724cd100c49aa53253dcb3e1f');
INSERT INTO "journal" VALUES(5,1796003426748,'ann','result','web--front--1','','done',3,'a49069a491209d9bd34b35d9e2a06793f52f4bf724cd100c49aa53253dcb3e1f','3b8e80f3ebde4536be42b1a9faa7486a6be7b10e87c083f67ba8942b15ee137a');
INSERT INTO "journal" VALUES(6,1796003426748,'ann','change network','network','as declared, where boxes are and will be','done',0,'3b8e80f3ebde4536be42b1a9faa7486a6be7b10e87c083f67ba8942b15ee137a','327cf82a3ea7211fe173242e384595c12e2d4a18d9be3116c9e54544b923bab7');
INSERT INTO "journal" VALUES(7,1796003426748,'ann','prepare network','network','bridge or table are missing','done',0,'327cf82a3ea7211fe173242e384595c12e2d4a18d9be3116c9e54544b923bab7','59ec33f4665c671932955a4e48f634fa8ad2f4a40e339d5b6401cb945794b39f');
INSERT INTO "journal" VALUES(8,1796003426748,'ann','set quota','web','the owner has no cgroup yet','done',0,'59ec33f4665c671932955a4e48f634fa8ad2f4a40e339d5b6401cb945794b39f','c8f0eb9864fde45b212364b728cc5eb5d03ac49d26bd35f68d57c3618a5c236f');
INSERT INTO "journal" VALUES(9,1796003430411,'ann','apply','web revision 2','','done',0,'c8f0eb9864fde45b212364b728cc5eb5d03ac49d26bd35f68d57c3618a5c236f','1e692cbe6fb423544a12a80a1c4d63a38bf5ab97c22bee0cca4a81b61ae736fd');
INSERT INTO "journal" VALUES(10,1796003430750,'ann','create','web--front--2','its declaration changed','',0,'1e692cbe6fb423544a12a80a1c4d63a38bf5ab97c22bee0cca4a81b61ae736fd','e3045122037e220cfb83a81fda6b80ea35858bb737d932c538bf04a61a75875d');
INSERT INTO "journal" VALUES(11,1796003430750,'ann','start','web--front--2','its declaration changed','',0,'e3045122037e220cfb83a81fda6b80ea35858bb737d932c538bf04a61a75875d','e0f0fbc8381a6c6413e410e710191644c60fbe16c2fd2089aa7fc7ab3aae6a40');
INSERT INTO "journal" VALUES(12,1796003430750,'ann','stop','web--front--1','succeeded by web--front--2','',0,'e0f0fbc8381a6c6413e410e710191644c60fbe16c2fd2089aa7fc7ab3aae6a40','73f8dcf605693c89b20dd88ec93f4b952a6f18a76f6c8b1cb7805b16ac579981');
INSERT INTO "journal" VALUES(13,1796003430750,'ann','remove','web--front--1','succeeded by web--front--2','',0,'73f8dcf605693c89b20dd88ec93f4b952a6f18a76f6c8b1cb7805b16ac579981','0959893a5bc8dd913e79452650f30e3bb58b15a351c888ee8ed109c994774fe3');
INSERT INTO "journal" VALUES(14,1796003430888,'ann','result','web--front--2','','done',10,'0959893a5bc8dd913e79452650f30e3bb58b15a351c888ee8ed109c994774fe3','f9ba4253763f9f390586725bcf4ba575e2409fe18b60567db2e43748acbc1e44');
INSERT INTO "journal" VALUES(15,1796003430888,'ann','result','web--front--2','','done',11,'f9ba4253763f9f390586725bcf4ba575e2409fe18b60567db2e43748acbc1e44','38045018136bcf7527dc2a2dd62ff3f85f5dc72c729bfc43eee2343e5a9bf63e');
INSERT INTO "journal" VALUES(16,1796003430888,'ann','result','web--front--1','','done',12,'38045018136bcf7527dc2a2dd62ff3f85f5dc72c729bfc43eee2343e5a9bf63e','1c7e2c040a42c644c6cfb012c38cee45daedf32ed3055b937a42f17a36827909');
INSERT INTO "journal" VALUES(17,1796003430888,'ann','result','web--front--1','','done',13,'1c7e2c040a42c644c6cfb012c38cee45daedf32ed3055b937a42f17a36827909','119aada48177c2df5abc461deb18bd1853aff7a3a8281f613895c8742e9bcb49');
INSERT INTO "journal" VALUES(18,1796003430888,'ann','change network','front.web','traffic of front.web','done',0,'119aada48177c2df5abc461deb18bd1853aff7a3a8281f613895c8742e9bcb49','f1923927de6dabd92899a348530d861a2d54fd2af3dc338f0ea2613e239fc447');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('installation','6e4cee6594d8cb1b');
INSERT INTO "meta" VALUES('key','effe95f66535b15bf095bd06e94c10b7dfae3df210556e7c588179f1c02c9ff4');
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
INSERT INTO "pins" VALUES('web',1,'front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:218c8871c78137eb5aa4cd820ba2b564c0fb809f043b2e6a42a1fe224f84ad9a", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "pins" VALUES('web',2,'front:2','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:e931fb332de0d9074f942014922e8cc51623566811e1e299f6c32012508bf755", "labels": [], "ports": [], "reference": "front:2", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    verb TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', commit_id TEXT NOT NULL DEFAULT '',
    repeats INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (set_name, number));
INSERT INTO "revisions" VALUES('web',1,1796003426636,'ann','apply','','',0,'converged',0);
INSERT INTO "revisions" VALUES('web',2,1796003430411,'ann','apply','','',0,'converged',1);
CREATE TABLE services (
    owner TEXT NOT NULL, service TEXT NOT NULL, key TEXT NOT NULL, serial_last INTEGER NOT NULL,
    uid_base INTEGER NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE,
    healthy_set TEXT NOT NULL DEFAULT '', healthy_revision INTEGER NOT NULL DEFAULT 0,
    held_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, service));
INSERT INTO "services" VALUES('web','front','ccb663c8bd54ef05',2,1048576,'10.231.128.2','web',2,0);
CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);
INSERT INTO "sets" VALUES('web',0);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',18);
COMMIT;
