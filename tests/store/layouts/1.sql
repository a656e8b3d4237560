PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
INSERT INTO "blobs" VALUES('f354c3f5fc490abce365014eb19e52ea862257c6e57a626e57183cbbc5290d65',X'6772656574696E67203D202268656C6C6F220A');
INSERT INTO "blobs" VALUES('b26f4a8064c4a0b6357684bd2b51c3b648a972021dc866a54a09108a90fdd0bd',X'6772656574696E67203D20226869220A');
CREATE TABLE boxes (id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL);
INSERT INTO "boxes" VALUES('me--hello--1',0,'10.231.0.2');
INSERT INTO "boxes" VALUES('data--db--1',0,'10.231.0.3');
INSERT INTO "boxes" VALUES('data--db--2',1,'10.231.0.4');
INSERT INTO "boxes" VALUES('web--front--1',0,'10.231.0.6');
INSERT INTO "boxes" VALUES('web--front--2',0,'10.231.0.11');
INSERT INTO "boxes" VALUES('web--front--3',0,'10.231.0.14');
INSERT INTO "boxes" VALUES('web--front--4',0,'10.231.0.17');
INSERT INTO "boxes" VALUES('web--front--5',0,'10.231.0.20');
INSERT INTO "boxes" VALUES('web--front--6',0,'10.231.0.21');
CREATE TABLE documents (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (set_name, number, position));
INSERT INTO "documents" VALUES('default',1,0,'one.yaml','orchestr8: 1
owner: me
services:
  hello: {image: "hello:1", publish: {127.0.0.1:8080: 8080}, files: {/etc/hello.toml: ./hello.toml}}
');
INSERT INTO "documents" VALUES('shop',1,0,'shop.yaml','orchestr8: 1
owner: data
services:
  db: {image: "db:16", volumes: {/data: db}, replicas: 2, accepts: ["front.web:5432"]}
volumes: {db: {}}
');
INSERT INTO "documents" VALUES('shop',1,1,'web.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:1.4", connects: ["db.data:5432"]}
');
INSERT INTO "documents" VALUES('shop',2,0,'shop.yaml','orchestr8: 1
owner: data
services:
  db: {image: "db:16", volumes: {/data: db}, replicas: 2, accepts: ["front.web:5432"]}
volumes: {db: {}}
');
INSERT INTO "documents" VALUES('shop',2,1,'web.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:1.5", connects: ["db.data:5432"]}
');
INSERT INTO "documents" VALUES('default',2,0,'one.yaml','orchestr8: 1
owner: me
services:
  hello: {image: "hello:1", publish: {127.0.0.1:8080: 8080}, files: {/etc/hello.toml: ./hello.toml}}
');
CREATE TABLE failures (
    owner TEXT NOT NULL, service TEXT NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, cause TEXT NOT NULL, lines TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (owner, service, slot));
INSERT INTO "failures" VALUES('data','db',0,4,1795968103539,'the image db:16 is not present','');
INSERT INTO "failures" VALUES('data','db',1,4,1795968103539,'the image db:16 is not present','');
INSERT INTO "failures" VALUES('me','hello',0,2,1795968104094,'the image hello:1 is not present','');
INSERT INTO "failures" VALUES('web','front',0,3,1795968104095,'the image front:1.5 is not present','');
CREATE TABLE files (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (set_name, number, source));
INSERT INTO "files" VALUES('default',1,'hello.toml','f354c3f5fc490abce365014eb19e52ea862257c6e57a626e57183cbbc5290d65');
INSERT INTO "files" VALUES('default',2,'hello.toml','b26f4a8064c4a0b6357684bd2b51c3b648a972021dc866a54a09108a90fdd0bd');
CREATE TABLE images (reference TEXT PRIMARY KEY, facts TEXT NOT NULL);
INSERT INTO "images" VALUES('hello:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:c06ef95f1c07bed484ef6ac42e2cb9c2034a44cf8bdc4fe1b26363a77ea18e93", "labels": [], "ports": [], "reference": "hello:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('db:16','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:0e4c356b009b24526d41fdcd51911bcc0e7d1a09cef0b636b82c39355e41bb0d", "labels": [], "ports": [], "reference": "db:16", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('front:1.4','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:efbb626d3b1919adf5e4a66a5313d15a32e9cf1092a9158ffd3d205c9080ea95", "labels": [], "ports": [], "reference": "front:1.4", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('front:1.5','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:3d4600b4116d091e6b5aff867af321bedb0111bf7a1043d701f44adf3879fb6b", "labels": [], "ports": [], "reference": "front:1.5", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE intents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    call TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL,
    ended_ms INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL DEFAULT '');
INSERT INTO "intents" VALUES(1,1795968093531,'root','CreateBox','me--hello--1','no box yet',1795968096548,'done');
INSERT INTO "intents" VALUES(2,1795968093531,'root','StartBox','me--hello--1','no box yet',1795968096548,'done');
INSERT INTO "intents" VALUES(3,1795968097003,'root','EnsureVolume','data--db','not there yet',1795968100025,'done');
INSERT INTO "intents" VALUES(4,1795968097003,'root','EnsureVolume','data--db--1','not there yet',1795968100025,'done');
INSERT INTO "intents" VALUES(5,1795968097003,'root','CreateBox','data--db--1','no box yet',1795968100025,'done');
INSERT INTO "intents" VALUES(6,1795968097003,'root','StartBox','data--db--1','no box yet',1795968100025,'done');
INSERT INTO "intents" VALUES(7,1795968097003,'root','CreateBox','data--db--2','no box yet',1795968100025,'done');
INSERT INTO "intents" VALUES(8,1795968097003,'root','StartBox','data--db--2','no box yet',1795968100025,'done');
INSERT INTO "intents" VALUES(9,1795968097003,'root','CreateBox','me--hello--2','no box yet',1795968100025,'failed');
INSERT INTO "intents" VALUES(10,1795968097003,'root','StartBox','me--hello--2','no box yet',1795968100025,'skipped');
INSERT INTO "intents" VALUES(11,1795968097003,'root','CreateBox','web--front--1','no box yet',1795968100025,'done');
INSERT INTO "intents" VALUES(12,1795968097003,'root','StartBox','web--front--1','no box yet',1795968100025,'done');
INSERT INTO "intents" VALUES(13,1795968100027,'root','StopBox','me--hello--2','it did not come up',1795968100028,'done');
INSERT INTO "intents" VALUES(14,1795968100027,'root','RemoveBox','me--hello--2','it did not come up',1795968100028,'done');
INSERT INTO "intents" VALUES(15,1795968100031,'root','CreateBox','me--hello--3','no box yet',1795968100031,'failed');
INSERT INTO "intents" VALUES(16,1795968100031,'root','StartBox','me--hello--3','no box yet',1795968100031,'skipped');
INSERT INTO "intents" VALUES(17,1795968100032,'root','StopBox','me--hello--3','it did not come up',1795968100033,'done');
INSERT INTO "intents" VALUES(18,1795968100032,'root','RemoveBox','me--hello--3','it did not come up',1795968100033,'done');
INSERT INTO "intents" VALUES(19,1795968100035,'root','CreateBox','me--hello--4','no box yet',1795968100036,'failed');
INSERT INTO "intents" VALUES(20,1795968100035,'root','StartBox','me--hello--4','no box yet',1795968100036,'skipped');
INSERT INTO "intents" VALUES(21,1795968100037,'root','StopBox','me--hello--4','it did not come up',1795968100038,'done');
INSERT INTO "intents" VALUES(22,1795968100037,'root','RemoveBox','me--hello--4','it did not come up',1795968100038,'done');
INSERT INTO "intents" VALUES(23,1795968100456,'root','EnsureVolume','data--db','not there yet',1795968100461,'done');
INSERT INTO "intents" VALUES(24,1795968100456,'root','EnsureVolume','data--db--1','not there yet',1795968100461,'done');
INSERT INTO "intents" VALUES(25,1795968100456,'root','CreateBox','data--db--3','no box yet',1795968100461,'failed');
INSERT INTO "intents" VALUES(26,1795968100456,'root','StartBox','data--db--3','no box yet',1795968100461,'skipped');
INSERT INTO "intents" VALUES(27,1795968100456,'root','CreateBox','data--db--4','no box yet',1795968100461,'failed');
INSERT INTO "intents" VALUES(28,1795968100456,'root','StartBox','data--db--4','no box yet',1795968100461,'skipped');
INSERT INTO "intents" VALUES(29,1795968100456,'root','CreateBox','web--front--2','no box yet',1795968100461,'skipped');
INSERT INTO "intents" VALUES(30,1795968100456,'root','StartBox','web--front--2','no box yet',1795968100461,'skipped');
INSERT INTO "intents" VALUES(31,1795968100465,'root','StopBox','data--db--3','it did not come up',1795968100466,'done');
INSERT INTO "intents" VALUES(32,1795968100465,'root','RemoveBox','data--db--3','it did not come up',1795968100466,'done');
INSERT INTO "intents" VALUES(33,1795968100465,'root','StopBox','data--db--4','it did not come up',1795968100466,'done');
INSERT INTO "intents" VALUES(34,1795968100465,'root','RemoveBox','data--db--4','it did not come up',1795968100466,'done');
INSERT INTO "intents" VALUES(35,1795968100472,'root','CreateBox','data--db--5','no box yet',1795968100474,'failed');
INSERT INTO "intents" VALUES(36,1795968100472,'root','StartBox','data--db--5','no box yet',1795968100474,'skipped');
INSERT INTO "intents" VALUES(37,1795968100472,'root','CreateBox','data--db--6','no box yet',1795968100474,'failed');
INSERT INTO "intents" VALUES(38,1795968100472,'root','StartBox','data--db--6','no box yet',1795968100474,'skipped');
INSERT INTO "intents" VALUES(39,1795968100472,'root','CreateBox','web--front--3','no box yet',1795968100474,'skipped');
INSERT INTO "intents" VALUES(40,1795968100472,'root','StartBox','web--front--3','no box yet',1795968100474,'skipped');
INSERT INTO "intents" VALUES(41,1795968100475,'root','StopBox','data--db--5','it did not come up',1795968100477,'done');
INSERT INTO "intents" VALUES(42,1795968100475,'root','RemoveBox','data--db--5','it did not come up',1795968100477,'done');
INSERT INTO "intents" VALUES(43,1795968100475,'root','StopBox','data--db--6','it did not come up',1795968100478,'done');
INSERT INTO "intents" VALUES(44,1795968100475,'root','RemoveBox','data--db--6','it did not come up',1795968100478,'done');
INSERT INTO "intents" VALUES(45,1795968100482,'root','CreateBox','data--db--7','no box yet',1795968100490,'failed');
INSERT INTO "intents" VALUES(46,1795968100482,'root','StartBox','data--db--7','no box yet',1795968100490,'skipped');
INSERT INTO "intents" VALUES(47,1795968100482,'root','CreateBox','data--db--8','no box yet',1795968100490,'failed');
INSERT INTO "intents" VALUES(48,1795968100482,'root','StartBox','data--db--8','no box yet',1795968100490,'skipped');
INSERT INTO "intents" VALUES(49,1795968100482,'root','CreateBox','web--front--4','no box yet',1795968100490,'skipped');
INSERT INTO "intents" VALUES(50,1795968100482,'root','StartBox','web--front--4','no box yet',1795968100490,'skipped');
INSERT INTO "intents" VALUES(51,1795968100491,'root','StopBox','data--db--7','it did not come up',1795968100494,'done');
INSERT INTO "intents" VALUES(52,1795968100491,'root','RemoveBox','data--db--7','it did not come up',1795968100494,'done');
INSERT INTO "intents" VALUES(53,1795968100491,'root','StopBox','data--db--8','it did not come up',1795968100494,'done');
INSERT INTO "intents" VALUES(54,1795968100491,'root','RemoveBox','data--db--8','it did not come up',1795968100494,'done');
INSERT INTO "intents" VALUES(55,1795968100497,'root','CreateBox','data--db--9','no box yet',1795968100505,'failed');
INSERT INTO "intents" VALUES(56,1795968100497,'root','StartBox','data--db--9','no box yet',1795968100505,'skipped');
INSERT INTO "intents" VALUES(57,1795968100497,'root','CreateBox','data--db--10','no box yet',1795968100505,'failed');
INSERT INTO "intents" VALUES(58,1795968100497,'root','StartBox','data--db--10','no box yet',1795968100505,'skipped');
INSERT INTO "intents" VALUES(59,1795968100497,'root','CreateBox','web--front--5','no box yet',1795968100505,'skipped');
INSERT INTO "intents" VALUES(60,1795968100497,'root','StartBox','web--front--5','no box yet',1795968100505,'skipped');
INSERT INTO "intents" VALUES(61,1795968100507,'root','StopBox','data--db--9','it did not come up',1795968100509,'done');
INSERT INTO "intents" VALUES(62,1795968100507,'root','RemoveBox','data--db--9','it did not come up',1795968100509,'done');
INSERT INTO "intents" VALUES(63,1795968100507,'root','StopBox','data--db--10','it did not come up',1795968100509,'done');
INSERT INTO "intents" VALUES(64,1795968100507,'root','RemoveBox','data--db--10','it did not come up',1795968100509,'done');
INSERT INTO "intents" VALUES(65,1795968100513,'root','CreateBox','web--front--6','no box yet',1795968103532,'done');
INSERT INTO "intents" VALUES(66,1795968100513,'root','StartBox','web--front--6','no box yet',1795968103532,'done');
INSERT INTO "intents" VALUES(67,1795968103537,'root','CreateBox','data--db--11','no box yet',1795968103538,'failed');
INSERT INTO "intents" VALUES(68,1795968103537,'root','StartBox','data--db--11','no box yet',1795968103538,'skipped');
INSERT INTO "intents" VALUES(69,1795968103537,'root','CreateBox','data--db--12','no box yet',1795968103538,'failed');
INSERT INTO "intents" VALUES(70,1795968103537,'root','StartBox','data--db--12','no box yet',1795968103538,'skipped');
INSERT INTO "intents" VALUES(71,1795968103537,'root','CreateBox','me--hello--5','no box yet',1795968103538,'failed');
INSERT INTO "intents" VALUES(72,1795968103537,'root','StartBox','me--hello--5','no box yet',1795968103538,'skipped');
INSERT INTO "intents" VALUES(73,1795968103540,'root','StopBox','data--db--11','it did not come up',1795968103542,'done');
INSERT INTO "intents" VALUES(74,1795968103540,'root','RemoveBox','data--db--11','it did not come up',1795968103542,'done');
INSERT INTO "intents" VALUES(75,1795968103540,'root','StopBox','data--db--12','it did not come up',1795968103542,'done');
INSERT INTO "intents" VALUES(76,1795968103540,'root','RemoveBox','data--db--12','it did not come up',1795968103542,'done');
INSERT INTO "intents" VALUES(77,1795968103540,'root','StopBox','me--hello--5','it did not come up',1795968103542,'done');
INSERT INTO "intents" VALUES(78,1795968103540,'root','RemoveBox','me--hello--5','it did not come up',1795968103542,'done');
INSERT INTO "intents" VALUES(79,1795968104063,'root','CreateBox','me--hello--6','no box yet',1795968104066,'failed');
INSERT INTO "intents" VALUES(80,1795968104063,'root','StartBox','me--hello--6','no box yet',1795968104066,'skipped');
INSERT INTO "intents" VALUES(81,1795968104063,'root','CreateBox','web--front--7','no box yet',1795968104066,'failed');
INSERT INTO "intents" VALUES(82,1795968104063,'root','StartBox','web--front--7','no box yet',1795968104066,'skipped');
INSERT INTO "intents" VALUES(83,1795968104068,'root','StopBox','me--hello--6','it did not come up',1795968104070,'done');
INSERT INTO "intents" VALUES(84,1795968104068,'root','RemoveBox','me--hello--6','it did not come up',1795968104070,'done');
INSERT INTO "intents" VALUES(85,1795968104068,'root','StopBox','web--front--7','it did not come up',1795968104070,'done');
INSERT INTO "intents" VALUES(86,1795968104068,'root','RemoveBox','web--front--7','it did not come up',1795968104070,'done');
INSERT INTO "intents" VALUES(87,1795968104073,'root','CreateBox','me--hello--7','no box yet',1795968104077,'failed');
INSERT INTO "intents" VALUES(88,1795968104073,'root','StartBox','me--hello--7','no box yet',1795968104077,'skipped');
INSERT INTO "intents" VALUES(89,1795968104073,'root','CreateBox','web--front--8','no box yet',1795968104077,'failed');
INSERT INTO "intents" VALUES(90,1795968104073,'root','StartBox','web--front--8','no box yet',1795968104077,'skipped');
INSERT INTO "intents" VALUES(91,1795968104079,'root','StopBox','me--hello--7','it did not come up',1795968104085,'done');
INSERT INTO "intents" VALUES(92,1795968104079,'root','RemoveBox','me--hello--7','it did not come up',1795968104085,'done');
INSERT INTO "intents" VALUES(93,1795968104079,'root','StopBox','web--front--8','it did not come up',1795968104085,'done');
INSERT INTO "intents" VALUES(94,1795968104079,'root','RemoveBox','web--front--8','it did not come up',1795968104085,'done');
INSERT INTO "intents" VALUES(95,1795968104089,'root','CreateBox','me--hello--8','no box yet',1795968104094,'failed');
INSERT INTO "intents" VALUES(96,1795968104089,'root','StartBox','me--hello--8','no box yet',1795968104094,'skipped');
INSERT INTO "intents" VALUES(97,1795968104089,'root','CreateBox','web--front--9','no box yet',1795968104094,'failed');
INSERT INTO "intents" VALUES(98,1795968104089,'root','StartBox','web--front--9','no box yet',1795968104094,'skipped');
INSERT INTO "intents" VALUES(99,1795968104096,'root','StopBox','me--hello--8','it did not come up',1795968104098,'done');
INSERT INTO "intents" VALUES(100,1795968104096,'root','RemoveBox','me--hello--8','it did not come up',1795968104098,'done');
INSERT INTO "intents" VALUES(101,1795968104096,'root','StopBox','web--front--9','it did not come up',1795968104098,'done');
INSERT INTO "intents" VALUES(102,1795968104096,'root','RemoveBox','web--front--9','it did not come up',0,'');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('installation','93253603136cffbf');
INSERT INTO "meta" VALUES('key','86b1f4d952960374eb4fe42301e73d265d57238c5fce7bc42925fa7ada6fbcc3');
INSERT INTO "meta" VALUES('engine','memory ');
INSERT INTO "meta" VALUES('ranges','10.231.0.0/17 10.231.128.0/17');
INSERT INTO "meta" VALUES('address_last','10.231.0.30');
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (set_name, number));
INSERT INTO "revisions" VALUES('default',1,1795968093530,'root','converged',0);
INSERT INTO "revisions" VALUES('shop',1,1795968097002,'root','converged',0);
INSERT INTO "revisions" VALUES('shop',2,1795968100455,'root','partly applied',1);
INSERT INTO "revisions" VALUES('default',2,1795968104059,'root','partly applied',1);
CREATE TABLE services (
    owner TEXT NOT NULL, service TEXT NOT NULL, key TEXT NOT NULL, serial_last INTEGER NOT NULL,
    uid_base INTEGER NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE,
    healthy_set TEXT NOT NULL DEFAULT '', healthy_revision INTEGER NOT NULL DEFAULT 0,
    held_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, service));
INSERT INTO "services" VALUES('me','hello','43f87ce309d8774e',8,1048576,'10.231.128.2','default',1,1);
INSERT INTO "services" VALUES('data','db','9e3876277e880c2d',12,1114112,'10.231.128.3','shop',1,1);
INSERT INTO "services" VALUES('web','front','32003705ec8137b0',9,1179648,'10.231.128.4','shop',2,0);
CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);
INSERT INTO "sets" VALUES('default',0);
INSERT INTO "sets" VALUES('shop',0);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('intents',102);
COMMIT;
