PRAGMA user_version=2;
BEGIN TRANSACTION;
CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
INSERT INTO "blobs" VALUES('b273cb9d468aa959b9c25ef20b6200b60878b35e7a67c506a0c1f11f1d7cdeac',X'6772656574696E67203D202268656C6C6F220A');
CREATE TABLE boxes (id TEXT PRIMARY KEY, slot INTEGER NOT NULL, address TEXT NOT NULL);
CREATE TABLE documents (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (set_name, number, position));
INSERT INTO "documents" VALUES('default',1,0,'me.yaml','orchestr8: 1
owner: me
services:
  hello: {image: "hello:1"}
');
INSERT INTO "documents" VALUES('web',1,0,'web/web.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:1", files: {/etc/front.toml: ./front.toml}, replicas: 2}
');
INSERT INTO "documents" VALUES('web',2,0,'web/web.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:2", files: {/etc/front.toml: ./front.toml}, replicas: 2}
');
INSERT INTO "documents" VALUES('web',3,0,'web/web.yaml','orchestr8: 1
owner: web
services:
  front: {image: "front:1", files: {/etc/front.toml: ./front.toml}, replicas: 2}
');
CREATE TABLE failures (
    owner TEXT NOT NULL, service TEXT NOT NULL, slot INTEGER NOT NULL, count INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, cause TEXT NOT NULL, lines TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (owner, service, slot));
INSERT INTO "failures" VALUES('me','hello',0,5,1795980928597,'the image hello:1 is not present','');
INSERT INTO "failures" VALUES('web','front',0,3,1795980928601,'the image front:2 is not present','');
INSERT INTO "failures" VALUES('web','front',1,3,1795980928605,'the image front:2 is not present','');
CREATE TABLE files (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (set_name, number, source));
INSERT INTO "files" VALUES('web',1,'web/front.toml','b273cb9d468aa959b9c25ef20b6200b60878b35e7a67c506a0c1f11f1d7cdeac');
INSERT INTO "files" VALUES('web',2,'web/front.toml','b273cb9d468aa959b9c25ef20b6200b60878b35e7a67c506a0c1f11f1d7cdeac');
INSERT INTO "files" VALUES('web',3,'web/front.toml','b273cb9d468aa959b9c25ef20b6200b60878b35e7a67c506a0c1f11f1d7cdeac');
CREATE TABLE holds (
    owner TEXT NOT NULL, service TEXT NOT NULL, until_ms INTEGER NOT NULL, reason TEXT NOT NULL,
    actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
INSERT INTO "holds" VALUES('me','hello',1802892971992,'the disk is being changed','root',1795980971998);
CREATE TABLE homes (
    kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, set_name TEXT NOT NULL,
    PRIMARY KEY (kind, owner, name));
CREATE TABLE images (reference TEXT PRIMARY KEY, facts TEXT NOT NULL);
INSERT INTO "images" VALUES('hello:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:c06ef95f1c07bed484ef6ac42e2cb9c2034a44cf8bdc4fe1b26363a77ea18e93", "labels": [], "ports": [], "reference": "hello:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:218c8871c78137eb5aa4cd820ba2b564c0fb809f043b2e6a42a1fe224f84ad9a", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "images" VALUES('front:2','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:e931fb332de0d9074f942014922e8cc51623566811e1e299f6c32012508bf755", "labels": [], "ports": [], "reference": "front:2", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, cause TEXT NOT NULL, result TEXT NOT NULL,
    intent INTEGER NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO "journal" VALUES(1,1795980913963,'root','apply','default revision 1','','done',0,'50f0be3e559e636e4a523c5f206e86ed6632475811d996d7284dddf14d301dcb','ae33307688330d72a1c135f19dc834972d7742d7551ee5f81a48d1f15e9aba95');
INSERT INTO "journal" VALUES(2,1795980913967,'root','create','me--hello--1','no box yet','',0,'ae33307688330d72a1c135f19dc834972d7742d7551ee5f81a48d1f15e9aba95','a0f8547fd75603a4d3759ca5421b603161ea53beea9561be98a489ff063fdddf');
INSERT INTO "journal" VALUES(3,1795980913967,'root','start','me--hello--1','no box yet','',0,'a0f8547fd75603a4d3759ca5421b603161ea53beea9561be98a489ff063fdddf','0890ef0505da5bd3a598434237abe2fa3645eb15951c2fddf1721f598e894026');
INSERT INTO "journal" VALUES(4,1795980916989,'root','result','me--hello--1','','done',2,'0890ef0505da5bd3a598434237abe2fa3645eb15951c2fddf1721f598e894026','ad76badc7d3af1596f0820959738b5e1fcacb5a0d71b185c883f3d96c91caadb');
INSERT INTO "journal" VALUES(5,1795980916989,'root','result','me--hello--1','','done',3,'ad76badc7d3af1596f0820959738b5e1fcacb5a0d71b185c883f3d96c91caadb','74824b9ebff7d46c4771f1f0093f56b2fd233a20a20d212e7706b748bbad374a');
INSERT INTO "journal" VALUES(6,1795980916989,'root','set quota','me','the owner has no cgroup yet','done',0,'74824b9ebff7d46c4771f1f0093f56b2fd233a20a20d212e7706b748bbad374a','216d4f075e1194fbc80ab926c90bd72d9b001a829b78be7474292625268a7c23');
INSERT INTO "journal" VALUES(7,1795980918294,'root','apply','web revision 1','','done',0,'216d4f075e1194fbc80ab926c90bd72d9b001a829b78be7474292625268a7c23','85e0d7ad999bf75e57418cad30ab2ca565becf343f0bf0082ab6bc111388f031');
INSERT INTO "journal" VALUES(8,1795980918299,'root','create','me--hello--2','no box yet','',0,'85e0d7ad999bf75e57418cad30ab2ca565becf343f0bf0082ab6bc111388f031','4fec6590bd87ce4292c559a0b375dd1ecc84c26ab74d6a8842b8864cbfa27353');
INSERT INTO "journal" VALUES(9,1795980918299,'root','start','me--hello--2','no box yet','',0,'4fec6590bd87ce4292c559a0b375dd1ecc84c26ab74d6a8842b8864cbfa27353','a4767c70feb5180eb964a4b125afd9745aaef3c19ea6b6e3ee02cf5030a8c057');
INSERT INTO "journal" VALUES(10,1795980918299,'root','create','web--front--1','no box yet','',0,'a4767c70feb5180eb964a4b125afd9745aaef3c19ea6b6e3ee02cf5030a8c057','4e6cab11bff6f257f8d8fe70e44a9b5085f6436ba60c8dcb371fd70eb4af08e6');
INSERT INTO "journal" VALUES(11,1795980918299,'root','start','web--front--1','no box yet','',0,'4e6cab11bff6f257f8d8fe70e44a9b5085f6436ba60c8dcb371fd70eb4af08e6','44bfd6eed81d14c224b8d7ca7c929e2e52f5c8912325b02ed87bde80222b510a');
INSERT INTO "journal" VALUES(12,1795980918299,'root','create','web--front--2','no box yet','',0,'44bfd6eed81d14c224b8d7ca7c929e2e52f5c8912325b02ed87bde80222b510a','25199b22fd87f30f7aa6c02772102635ae1291ae9f8e2bca5311678575e0568b');
INSERT INTO "journal" VALUES(13,1795980918299,'root','start','web--front--2','no box yet','',0,'25199b22fd87f30f7aa6c02772102635ae1291ae9f8e2bca5311678575e0568b','61b20aa299e377e5be32877bbd54244a1cacffce6dddd6a17813cd835686cf25');
INSERT INTO "journal" VALUES(14,1795980921305,'root','result','me--hello--2','','failed: the image hello:1 is not present',8,'61b20aa299e377e5be32877bbd54244a1cacffce6dddd6a17813cd835686cf25','2a491aed527d1e2a6f3de5411fa7a2f168f164ed5c6231d0665304a72710c6a3');
INSERT INTO "journal" VALUES(15,1795980921305,'root','result','me--hello--2','','skipped',9,'2a491aed527d1e2a6f3de5411fa7a2f168f164ed5c6231d0665304a72710c6a3','3db78cb12a7c97e615e2bad645da026001a02bf00fba7348d08bf8a5f8d76236');
INSERT INTO "journal" VALUES(16,1795980921305,'root','result','web--front--1','','done',10,'3db78cb12a7c97e615e2bad645da026001a02bf00fba7348d08bf8a5f8d76236','453a05523ed91d7d6903a8f570e210802d931a9419c3f0ce76f5a4ee58dbad8a');
INSERT INTO "journal" VALUES(17,1795980921305,'root','result','web--front--1','','done',11,'453a05523ed91d7d6903a8f570e210802d931a9419c3f0ce76f5a4ee58dbad8a','135e70836e1c06bf557d4b737f84fe2cb092bd227fda559ef23279ec3b0b82e2');
INSERT INTO "journal" VALUES(18,1795980921305,'root','result','web--front--2','','done',12,'135e70836e1c06bf557d4b737f84fe2cb092bd227fda559ef23279ec3b0b82e2','6175f7fa42162f1126b2aabc0add50f63306c4af39ccbd6346fdc795e7dfc7e0');
INSERT INTO "journal" VALUES(19,1795980921305,'root','result','web--front--2','','done',13,'6175f7fa42162f1126b2aabc0add50f63306c4af39ccbd6346fdc795e7dfc7e0','4dc0106ab8bae37989a6ff028351ff8e92a0096aafe039f3d9cc8e8d0806bead');
INSERT INTO "journal" VALUES(20,1795980921305,'root','forget','hello.me','it is not there any more, or never came to be','done',0,'4dc0106ab8bae37989a6ff028351ff8e92a0096aafe039f3d9cc8e8d0806bead','a61d44e1d2373825f37e5d98eabd67b4a7218ab76cb90ddb8c9d84391b87fe64');
INSERT INTO "journal" VALUES(21,1795980921305,'root','set quota','me','the owner has no cgroup yet','done',0,'a61d44e1d2373825f37e5d98eabd67b4a7218ab76cb90ddb8c9d84391b87fe64','f9fe3b31663936c8ab562cc8df564ea446fd64739084efaa67262fb688810ae6');
INSERT INTO "journal" VALUES(22,1795980921305,'root','set quota','web','the owner has no cgroup yet','done',0,'f9fe3b31663936c8ab562cc8df564ea446fd64739084efaa67262fb688810ae6','07e6496f48aaff7055d6b493073311cf1939f4983697b26d0a168abe352dba8e');
INSERT INTO "journal" VALUES(23,1795980921327,'root','stop','me--hello--2','it did not come up','',0,'07e6496f48aaff7055d6b493073311cf1939f4983697b26d0a168abe352dba8e','1f11866bc1addbfc4b45ec1b5eee31b3e5669fb259cdeb07c9a67c9899b183ed');
INSERT INTO "journal" VALUES(24,1795980921327,'root','remove','me--hello--2','it did not come up','',0,'1f11866bc1addbfc4b45ec1b5eee31b3e5669fb259cdeb07c9a67c9899b183ed','64833953b44603952023ac7396700ca15be610f67b49f9b65c9f7b68c27dc073');
INSERT INTO "journal" VALUES(25,1795980921334,'root','result','me--hello--2','','done',23,'64833953b44603952023ac7396700ca15be610f67b49f9b65c9f7b68c27dc073','6b2ebca7fbcdf99334b74c1ff3d1cd89ae35d07ead0edf43ddfca66e2cfc0c5a');
INSERT INTO "journal" VALUES(26,1795980921334,'root','result','me--hello--2','','done',24,'6b2ebca7fbcdf99334b74c1ff3d1cd89ae35d07ead0edf43ddfca66e2cfc0c5a','37cccb7f3ec20726a50c887cdce8d7d0d6cbd41b8b3409a0b9c6d935c6537d01');
INSERT INTO "journal" VALUES(27,1795980921339,'root','create','me--hello--3','no box yet','',0,'37cccb7f3ec20726a50c887cdce8d7d0d6cbd41b8b3409a0b9c6d935c6537d01','e45cde2a8a0dd281c9160e8b39efdbd9d417b28a6eb89756c7a7c844bb9018f5');
INSERT INTO "journal" VALUES(28,1795980921339,'root','start','me--hello--3','no box yet','',0,'e45cde2a8a0dd281c9160e8b39efdbd9d417b28a6eb89756c7a7c844bb9018f5','2575bf25b28144df9e3723204edd2c6556d623dbceaeff95b34f3edb5ee49f7a');
INSERT INTO "journal" VALUES(29,1795980921342,'root','result','me--hello--3','','failed: the image hello:1 is not present',27,'2575bf25b28144df9e3723204edd2c6556d623dbceaeff95b34f3edb5ee49f7a','b6094be2a355f157cf70dc85e9cdc2a9a14ec85d81d40333b2ef6102bc146c4e');
INSERT INTO "journal" VALUES(30,1795980921342,'root','result','me--hello--3','','skipped',28,'b6094be2a355f157cf70dc85e9cdc2a9a14ec85d81d40333b2ef6102bc146c4e','8c49e4f5fdf8dc6f2f20b9b1b1354aa28467fda7dd0a21f4a339feba1f223fa3');
INSERT INTO "journal" VALUES(31,1795980921349,'root','stop','me--hello--3','it did not come up','',0,'8c49e4f5fdf8dc6f2f20b9b1b1354aa28467fda7dd0a21f4a339feba1f223fa3','9a04c55a52884134cbb957d87b3f095732343b95499d29fd705b2bfeb20b29f1');
INSERT INTO "journal" VALUES(32,1795980921349,'root','remove','me--hello--3','it did not come up','',0,'9a04c55a52884134cbb957d87b3f095732343b95499d29fd705b2bfeb20b29f1','33d52fc304b7a859acdcfc64a46bf18ea0618ab8a53e87695ef5edf09bf6dcce');
INSERT INTO "journal" VALUES(33,1795980921354,'root','result','me--hello--3','','done',31,'33d52fc304b7a859acdcfc64a46bf18ea0618ab8a53e87695ef5edf09bf6dcce','a879670d46d2f448db2b4c3de233807f5c0b0f3164040b688675f9c1c48db888');
INSERT INTO "journal" VALUES(34,1795980921354,'root','result','me--hello--3','','done',32,'a879670d46d2f448db2b4c3de233807f5c0b0f3164040b688675f9c1c48db888','6bb49f9e74a4544b5ac3466b4bb70b2ded73c74e95d6178d07701753e88ce05b');
INSERT INTO "journal" VALUES(35,1795980921365,'root','create','me--hello--4','no box yet','',0,'6bb49f9e74a4544b5ac3466b4bb70b2ded73c74e95d6178d07701753e88ce05b','0db394534bbdf3c7700ff717856dd508ed65f40286832b7a76ecb2170b57bca6');
INSERT INTO "journal" VALUES(36,1795980921365,'root','start','me--hello--4','no box yet','',0,'0db394534bbdf3c7700ff717856dd508ed65f40286832b7a76ecb2170b57bca6','5dea9d0f3610415c7d7745c4b3f1409c6c976193f3ad87839ce501a7b217e527');
INSERT INTO "journal" VALUES(37,1795980921374,'root','result','me--hello--4','','failed: the image hello:1 is not present',35,'5dea9d0f3610415c7d7745c4b3f1409c6c976193f3ad87839ce501a7b217e527','bc3194698553b4d838de5ff5955849a28137b243b601eeae76dbf2974d901147');
INSERT INTO "journal" VALUES(38,1795980921374,'root','result','me--hello--4','','skipped',36,'bc3194698553b4d838de5ff5955849a28137b243b601eeae76dbf2974d901147','00be6eaf82ce4d14650e55b95911f27c2348acd6f2e88a1c89280480c22bc0c1');
INSERT INTO "journal" VALUES(39,1795980921382,'root','stop','me--hello--4','it did not come up','',0,'00be6eaf82ce4d14650e55b95911f27c2348acd6f2e88a1c89280480c22bc0c1','8fddd5b8f7c02dfdbdb572ea8fd77adf3ca6ce1c89caa95185f0b37352d4da83');
INSERT INTO "journal" VALUES(40,1795980921382,'root','remove','me--hello--4','it did not come up','',0,'8fddd5b8f7c02dfdbdb572ea8fd77adf3ca6ce1c89caa95185f0b37352d4da83','74ba6a528a0c2966d7f611c6165279519795c516dfbc7bc3f8790512c7f8a29c');
INSERT INTO "journal" VALUES(41,1795980921386,'root','result','me--hello--4','','done',39,'74ba6a528a0c2966d7f611c6165279519795c516dfbc7bc3f8790512c7f8a29c','b6ac7a388b360ac5ca56890caa97d2c5b782a2716c6fa1a24a2613d1dfb3bd4b');
INSERT INTO "journal" VALUES(42,1795980921386,'root','result','me--hello--4','','done',40,'b6ac7a388b360ac5ca56890caa97d2c5b782a2716c6fa1a24a2613d1dfb3bd4b','9c91bea344adffdc4cb88a2e1e7d688dc252f066a9c4b2a8847109df940ea1b5');
INSERT INTO "journal" VALUES(43,1795980922577,'root','apply','web revision 2','','done',0,'9c91bea344adffdc4cb88a2e1e7d688dc252f066a9c4b2a8847109df940ea1b5','c06644c18ee648ae0f90e45447aa949dd45879d30b12b97e140d303c48b0303d');
INSERT INTO "journal" VALUES(44,1795980922590,'root','create','me--hello--5','no box yet','',0,'c06644c18ee648ae0f90e45447aa949dd45879d30b12b97e140d303c48b0303d','3c92034946c18f38c856129741efd4eb8e84189df1fd321e609e03fe55d33550');
INSERT INTO "journal" VALUES(45,1795980922590,'root','start','me--hello--5','no box yet','',0,'3c92034946c18f38c856129741efd4eb8e84189df1fd321e609e03fe55d33550','9b483ae34f255d96ed412a1c7a57c86643c3a9a96d909f4c52cd3ec664271660');
INSERT INTO "journal" VALUES(46,1795980922590,'root','create','web--front--3','no box yet','',0,'9b483ae34f255d96ed412a1c7a57c86643c3a9a96d909f4c52cd3ec664271660','ecd8a755f74005095539e5f0f86dba44419e4d32c303851ee49570449549118f');
INSERT INTO "journal" VALUES(47,1795980922590,'root','start','web--front--3','no box yet','',0,'ecd8a755f74005095539e5f0f86dba44419e4d32c303851ee49570449549118f','417152b68c0d70c2a4a116b8877ed69a89f31a5fdeb8b025e27f122151889d2c');
INSERT INTO "journal" VALUES(48,1795980922590,'root','create','web--front--4','no box yet','',0,'417152b68c0d70c2a4a116b8877ed69a89f31a5fdeb8b025e27f122151889d2c','3a6ebeae73ff84cb8b27eaf90dc1aa6e3207f5a696b78c923c02362a0ee61c37');
INSERT INTO "journal" VALUES(49,1795980922590,'root','start','web--front--4','no box yet','',0,'3a6ebeae73ff84cb8b27eaf90dc1aa6e3207f5a696b78c923c02362a0ee61c37','b488a41c63b68c105e5aaf6f76e6d2739c95569ac5e82c13fa88d3c6114bf471');
INSERT INTO "journal" VALUES(50,1795980925606,'root','result','me--hello--5','','failed: the image hello:1 is not present',44,'b488a41c63b68c105e5aaf6f76e6d2739c95569ac5e82c13fa88d3c6114bf471','b5b5ea54a708b6b35ea7ae334db2014342c8a00ed7b114585e5d9688685b16a1');
INSERT INTO "journal" VALUES(51,1795980925606,'root','result','me--hello--5','','skipped',45,'b5b5ea54a708b6b35ea7ae334db2014342c8a00ed7b114585e5d9688685b16a1','8211d706181e16b3105e356aee7c90fe681e85352de39d89a6092e97e6561eb3');
INSERT INTO "journal" VALUES(52,1795980925606,'root','result','web--front--3','','done',46,'8211d706181e16b3105e356aee7c90fe681e85352de39d89a6092e97e6561eb3','9f0d1617913677d712584471cbca1a75e45e3b0cdebf171d2b7820c1c362e2dc');
INSERT INTO "journal" VALUES(53,1795980925606,'root','result','web--front--3','','done',47,'9f0d1617913677d712584471cbca1a75e45e3b0cdebf171d2b7820c1c362e2dc','6b0de62cfddfa72ac3b1e67afcad7b912cff9252e83709b861aa351eb3d74ce7');
INSERT INTO "journal" VALUES(54,1795980925606,'root','result','web--front--4','','done',48,'6b0de62cfddfa72ac3b1e67afcad7b912cff9252e83709b861aa351eb3d74ce7','d45a95499e7fa28c95c04ef05dbbba6ec77501111ba899311895f72e077e82b0');
INSERT INTO "journal" VALUES(55,1795980925606,'root','result','web--front--4','','done',49,'d45a95499e7fa28c95c04ef05dbbba6ec77501111ba899311895f72e077e82b0','21a9b24f4f1f3d586cf1757e236c91cf5dc50be363463ece3e215043d8d2e949');
INSERT INTO "journal" VALUES(56,1795980925606,'root','forget','front.web','it is not there any more, or never came to be','done, 2 calls',0,'21a9b24f4f1f3d586cf1757e236c91cf5dc50be363463ece3e215043d8d2e949','361f229363eecab075bf966579f05c0645b7339b1cfc7a20498e9454b67c4c41');
INSERT INTO "journal" VALUES(57,1795980925606,'root','set quota','me','the owner has no cgroup yet','done',0,'361f229363eecab075bf966579f05c0645b7339b1cfc7a20498e9454b67c4c41','e4e1ff50eb426f8b1a11e33592e452aa921fa7df601146076e6800c6d4a27088');
INSERT INTO "journal" VALUES(58,1795980925606,'root','set quota','web','the owner has no cgroup yet','done',0,'e4e1ff50eb426f8b1a11e33592e452aa921fa7df601146076e6800c6d4a27088','d2a52d05a6c95cf8aecb678f1a012b08554e11263f5d2bd15a9f4b1d04d9035b');
INSERT INTO "journal" VALUES(59,1795980925624,'root','stop','me--hello--5','it did not come up','',0,'d2a52d05a6c95cf8aecb678f1a012b08554e11263f5d2bd15a9f4b1d04d9035b','cffd4f6b5dc9e8bced633395ac38e6bf5b07bcef3a0556bbef96294a32191e11');
INSERT INTO "journal" VALUES(60,1795980925624,'root','remove','me--hello--5','it did not come up','',0,'cffd4f6b5dc9e8bced633395ac38e6bf5b07bcef3a0556bbef96294a32191e11','d6e697d87926a6d2e5d634c66224753399ccf64183cf69db6268fcbbe5145ead');
INSERT INTO "journal" VALUES(61,1795980925634,'root','result','me--hello--5','','done',59,'d6e697d87926a6d2e5d634c66224753399ccf64183cf69db6268fcbbe5145ead','6a5c8511d6fe8b6aa2e38950240a3b746d5f4c86e1a0a6dbe8e58d20ab3811c5');
INSERT INTO "journal" VALUES(62,1795980925634,'root','result','me--hello--5','','done',60,'6a5c8511d6fe8b6aa2e38950240a3b746d5f4c86e1a0a6dbe8e58d20ab3811c5','0a287fd21ec53cadca949ee85a105d68148e230b3556c23c776ec0435f375a67');
INSERT INTO "journal" VALUES(63,1795980926897,'root','rollback','web revision 3','to revision 1','done',0,'0a287fd21ec53cadca949ee85a105d68148e230b3556c23c776ec0435f375a67','72e580a4060243ec644b320fefb55ce6c1cff9daad58c02e85a12fa2f2a75acc');
INSERT INTO "journal" VALUES(64,1795980926909,'root','create','web--front--5','no box yet','',0,'72e580a4060243ec644b320fefb55ce6c1cff9daad58c02e85a12fa2f2a75acc','b5f0e3d5dcaad9c932ee7b679003f124781bf72162212ee6c5edd7f338b50b18');
INSERT INTO "journal" VALUES(65,1795980926909,'root','start','web--front--5','no box yet','',0,'b5f0e3d5dcaad9c932ee7b679003f124781bf72162212ee6c5edd7f338b50b18','11759ea536e4a5b6127b5d04b1f718f6779fc0f0b7cebc5fb0f00af23844e979');
INSERT INTO "journal" VALUES(66,1795980926909,'root','create','web--front--6','no box yet','',0,'11759ea536e4a5b6127b5d04b1f718f6779fc0f0b7cebc5fb0f00af23844e979','cb47a51328546574b90c7a36944b777f7fd159599c9d3c337fb4c08b57075744');
INSERT INTO "journal" VALUES(67,1795980926909,'root','start','web--front--6','no box yet','',0,'cb47a51328546574b90c7a36944b777f7fd159599c9d3c337fb4c08b57075744','c5f64b6fb84eeabd4e2ed659d04220baf3c63b6044dabb70e9e716cfbf32f4d1');
INSERT INTO "journal" VALUES(68,1795980926914,'root','result','web--front--5','','failed: the image front:1 is not present',64,'c5f64b6fb84eeabd4e2ed659d04220baf3c63b6044dabb70e9e716cfbf32f4d1','05285784642bb049811821948a0207bb321f53ccdcd919e9027e6839edbdc573');
INSERT INTO "journal" VALUES(69,1795980926914,'root','result','web--front--5','','skipped',65,'05285784642bb049811821948a0207bb321f53ccdcd919e9027e6839edbdc573','8641f31678cef1f881fa74e82f548475b94204c00b4ac0105608022b7a0644ce');
INSERT INTO "journal" VALUES(70,1795980926914,'root','result','web--front--6','','failed: the image front:1 is not present',66,'8641f31678cef1f881fa74e82f548475b94204c00b4ac0105608022b7a0644ce','efc96293198df0b24196901b5a724497146ad028a8e9a135a0a2819721ac3240');
INSERT INTO "journal" VALUES(71,1795980926914,'root','result','web--front--6','','skipped',67,'efc96293198df0b24196901b5a724497146ad028a8e9a135a0a2819721ac3240','34da99e6e018357691fd930d2b379676e348da624d750cd78502823682854c7f');
INSERT INTO "journal" VALUES(72,1795980926914,'root','forget','front.web','it is not there any more, or never came to be','done, 2 calls',0,'34da99e6e018357691fd930d2b379676e348da624d750cd78502823682854c7f','5c96264d5d0fdfec036577728fdcb47eba44c7806976a50280a1051662188aea');
INSERT INTO "journal" VALUES(73,1795980926914,'root','set quota','web','the owner has no cgroup yet','done',0,'5c96264d5d0fdfec036577728fdcb47eba44c7806976a50280a1051662188aea','6eeb77cb56f53310e1891248615f7c42e4662dae5db846bb809fd0735286f7a8');
INSERT INTO "journal" VALUES(74,1795980926940,'root','stop','web--front--5','it did not come up','',0,'6eeb77cb56f53310e1891248615f7c42e4662dae5db846bb809fd0735286f7a8','8713e336792eed75ae4cfb1d8e91643e2943894932c34826478ac7a8f58e1008');
INSERT INTO "journal" VALUES(75,1795980926940,'root','remove','web--front--5','it did not come up','',0,'8713e336792eed75ae4cfb1d8e91643e2943894932c34826478ac7a8f58e1008','74ea28870d11581be3b521c68058bf46ef0d536c9b28b264408fbbed4d790442');
INSERT INTO "journal" VALUES(76,1795980926940,'root','stop','web--front--6','it did not come up','',0,'74ea28870d11581be3b521c68058bf46ef0d536c9b28b264408fbbed4d790442','2d20bfd2a00209ca2a6dbc3436b1395a09cdef68b3c54e2b8e1d10636ced6b57');
INSERT INTO "journal" VALUES(77,1795980926940,'root','remove','web--front--6','it did not come up','',0,'2d20bfd2a00209ca2a6dbc3436b1395a09cdef68b3c54e2b8e1d10636ced6b57','a4a75444c86222073ae767af8f84f9e674528168f26c667a87e08c4db3b4cab1');
INSERT INTO "journal" VALUES(78,1795980926946,'root','result','web--front--5','','done',74,'a4a75444c86222073ae767af8f84f9e674528168f26c667a87e08c4db3b4cab1','58b5f9c4c0dcf864ffd55266ea9e1d74c83da3eb4f901f98145003f260f47baa');
INSERT INTO "journal" VALUES(79,1795980926946,'root','result','web--front--5','','done',75,'58b5f9c4c0dcf864ffd55266ea9e1d74c83da3eb4f901f98145003f260f47baa','1d1fada1bb5451e7f1cc19e36e4c434cddb9e73061b1f50dc3e1e5f2c05afcb2');
INSERT INTO "journal" VALUES(80,1795980926946,'root','result','web--front--6','','done',76,'1d1fada1bb5451e7f1cc19e36e4c434cddb9e73061b1f50dc3e1e5f2c05afcb2','ed51b6f9f8727b251a613d0f9b0d53e7f7edbf0aa5a9c80e0e7b0859621fae78');
INSERT INTO "journal" VALUES(81,1795980926946,'root','result','web--front--6','','done',77,'ed51b6f9f8727b251a613d0f9b0d53e7f7edbf0aa5a9c80e0e7b0859621fae78','2503fb098104432351c3233611d9773ffd13b957f83d900ac80ed39af4fa5919');
INSERT INTO "journal" VALUES(82,1795980926964,'root','create','web--front--7','no box yet','',0,'2503fb098104432351c3233611d9773ffd13b957f83d900ac80ed39af4fa5919','ab693663a5bf5747087c65da4258758be04baebc7ce1c963b047ec233dff43cf');
INSERT INTO "journal" VALUES(83,1795980926964,'root','start','web--front--7','no box yet','',0,'ab693663a5bf5747087c65da4258758be04baebc7ce1c963b047ec233dff43cf','8f276c0ac28b91d58b4267387cd490fb61c20eb7d2d517eba5f82da19ae442ac');
INSERT INTO "journal" VALUES(84,1795980926964,'root','create','web--front--8','no box yet','',0,'8f276c0ac28b91d58b4267387cd490fb61c20eb7d2d517eba5f82da19ae442ac','621e4cb1e83debadcd3c896aaa1029ad0bdb488a770f457698064cae433dc8b9');
INSERT INTO "journal" VALUES(85,1795980926964,'root','start','web--front--8','no box yet','',0,'621e4cb1e83debadcd3c896aaa1029ad0bdb488a770f457698064cae433dc8b9','deaf7586ab79ce6bbaeb3400598e15e52471f3a4179d505e518104c6eba3519d');
INSERT INTO "journal" VALUES(86,1795980926969,'root','result','web--front--7','','failed: the image front:2 is not present',82,'deaf7586ab79ce6bbaeb3400598e15e52471f3a4179d505e518104c6eba3519d','2a4a08639e205891354e268146b425ad77bf12dd0fb2415da7eb83762d818449');
INSERT INTO "journal" VALUES(87,1795980926969,'root','result','web--front--7','','skipped',83,'2a4a08639e205891354e268146b425ad77bf12dd0fb2415da7eb83762d818449','23529f28269151e27c197f1e71bacb8781b5bfd91c4c612e5fea9bfaf2f78316');
INSERT INTO "journal" VALUES(88,1795980926969,'root','result','web--front--8','','failed: the image front:2 is not present',84,'23529f28269151e27c197f1e71bacb8781b5bfd91c4c612e5fea9bfaf2f78316','1034b144ca34b13fe9d61fc88e87e1986ccf2b636295835fbf49ccc35059376f');
INSERT INTO "journal" VALUES(89,1795980926969,'root','result','web--front--8','','skipped',85,'1034b144ca34b13fe9d61fc88e87e1986ccf2b636295835fbf49ccc35059376f','4d657af775d605384ef2036da9bce1e2c844c62e7e9d37e98fe9914b2671d0eb');
INSERT INTO "journal" VALUES(90,1795980926980,'root','stop','web--front--7','it did not come up','',0,'4d657af775d605384ef2036da9bce1e2c844c62e7e9d37e98fe9914b2671d0eb','6140bc5df9f1d891a6d450d07a9ad084a091870405d341bbf970cdac933ec437');
INSERT INTO "journal" VALUES(91,1795980926980,'root','remove','web--front--7','it did not come up','',0,'6140bc5df9f1d891a6d450d07a9ad084a091870405d341bbf970cdac933ec437','1d5149f4b7acdaef4c8268ffb15e504a56d4a92825e416dad9614f358d8df930');
INSERT INTO "journal" VALUES(92,1795980926980,'root','stop','web--front--8','it did not come up','',0,'1d5149f4b7acdaef4c8268ffb15e504a56d4a92825e416dad9614f358d8df930','1bc25c669298c098a664f2965ef8beb26df66ea9a71996f1b85b68634404028f');
INSERT INTO "journal" VALUES(93,1795980926980,'root','remove','web--front--8','it did not come up','',0,'1bc25c669298c098a664f2965ef8beb26df66ea9a71996f1b85b68634404028f','b702e569323884b63f32d94c58bb30051709ee4c074d7769b9a2e3b9e9def613');
INSERT INTO "journal" VALUES(94,1795980926982,'root','result','web--front--7','','done',90,'b702e569323884b63f32d94c58bb30051709ee4c074d7769b9a2e3b9e9def613','d77331f12edade007d06f4596246aee772fcde52a1bc547d8a0e0f3d1a8e7f0f');
INSERT INTO "journal" VALUES(95,1795980926982,'root','result','web--front--7','','done',91,'d77331f12edade007d06f4596246aee772fcde52a1bc547d8a0e0f3d1a8e7f0f','88342c93c1cc65d76f3c543daecab36a5db49514021e68dfbdef2ce797eb1822');
INSERT INTO "journal" VALUES(96,1795980926982,'root','result','web--front--8','','done',92,'88342c93c1cc65d76f3c543daecab36a5db49514021e68dfbdef2ce797eb1822','36db640bd869ef406eee63e5307ad64418cd5425ee987c009055fa2dc0da0bb7');
INSERT INTO "journal" VALUES(97,1795980926982,'root','result','web--front--8','','done',93,'36db640bd869ef406eee63e5307ad64418cd5425ee987c009055fa2dc0da0bb7','8ce9f42d00fea3187d1762948c733ff49f2317e996e93ca217e9006a7912f266');
INSERT INTO "journal" VALUES(98,1795980927001,'root','create','web--front--9','no box yet','',0,'8ce9f42d00fea3187d1762948c733ff49f2317e996e93ca217e9006a7912f266','d8422943ea1562a843990079700cf332fc85e5217ba5ff7924f2eb243e4ce04f');
INSERT INTO "journal" VALUES(99,1795980927001,'root','start','web--front--9','no box yet','',0,'d8422943ea1562a843990079700cf332fc85e5217ba5ff7924f2eb243e4ce04f','aa06510a205ebd7dfabb459a2e05f250934e07cd23f3850c10f3b91f2017481f');
INSERT INTO "journal" VALUES(100,1795980927001,'root','create','web--front--10','no box yet','',0,'aa06510a205ebd7dfabb459a2e05f250934e07cd23f3850c10f3b91f2017481f','f8e2bb07ee9c8db13750ab20016040acf0b51ded8bd7dc9c28a4c59c0818f9a6');
INSERT INTO "journal" VALUES(101,1795980927001,'root','start','web--front--10','no box yet','',0,'f8e2bb07ee9c8db13750ab20016040acf0b51ded8bd7dc9c28a4c59c0818f9a6','cb9682d92a3d40bbbce17230b1887f55a71ae2560421c6409cda933079e6af99');
INSERT INTO "journal" VALUES(102,1795980927004,'root','result','web--front--9','','failed: the image front:2 is not present',98,'cb9682d92a3d40bbbce17230b1887f55a71ae2560421c6409cda933079e6af99','a36cf69cff4fd8b000a90dacb5aa5b90c1151af2d8d8643af8429e9e3adfa43e');
INSERT INTO "journal" VALUES(103,1795980927004,'root','result','web--front--9','','skipped',99,'a36cf69cff4fd8b000a90dacb5aa5b90c1151af2d8d8643af8429e9e3adfa43e','e1328b2ec2e99a1a075caba7d7b548a588e618a83cbabf2fc820c22b968feed7');
INSERT INTO "journal" VALUES(104,1795980927004,'root','result','web--front--10','','failed: the image front:2 is not present',100,'e1328b2ec2e99a1a075caba7d7b548a588e618a83cbabf2fc820c22b968feed7','6c2ec6cf88aefaae1ea6ec231faea73e8b6687bbcbf5c8485818a17ef71cb4e8');
INSERT INTO "journal" VALUES(105,1795980927004,'root','result','web--front--10','','skipped',101,'6c2ec6cf88aefaae1ea6ec231faea73e8b6687bbcbf5c8485818a17ef71cb4e8','50ec1e107fbc216218330d137131791db9e3a84387140b5eddafe29cfa001171');
INSERT INTO "journal" VALUES(106,1795980927009,'root','stop','web--front--9','it did not come up','',0,'50ec1e107fbc216218330d137131791db9e3a84387140b5eddafe29cfa001171','a3fb470b785660e5a5291726cfb3c7da2cd18204a8e15a78b570b3f14cdc9592');
INSERT INTO "journal" VALUES(107,1795980927009,'root','remove','web--front--9','it did not come up','',0,'a3fb470b785660e5a5291726cfb3c7da2cd18204a8e15a78b570b3f14cdc9592','6a0901918a6ae000af80f8d356ddc46c54d982fb0e70c3b137d8cca9d835437e');
INSERT INTO "journal" VALUES(108,1795980927009,'root','stop','web--front--10','it did not come up','',0,'6a0901918a6ae000af80f8d356ddc46c54d982fb0e70c3b137d8cca9d835437e','d62fd2dee7826452f5fa2dc8da556434de6d9a4a1c899d165c8f1d98e8f5687e');
INSERT INTO "journal" VALUES(109,1795980927009,'root','remove','web--front--10','it did not come up','',0,'d62fd2dee7826452f5fa2dc8da556434de6d9a4a1c899d165c8f1d98e8f5687e','0fb7cd1992048a76d0b2106de7943fe29b966c494525e40554967893588cb593');
INSERT INTO "journal" VALUES(110,1795980927018,'root','result','web--front--9','','done',106,'0fb7cd1992048a76d0b2106de7943fe29b966c494525e40554967893588cb593','6b4d871c90492675179a47871d107556afa631fe6969ff3d80961a37949362fa');
INSERT INTO "journal" VALUES(111,1795980927018,'root','result','web--front--9','','done',107,'6b4d871c90492675179a47871d107556afa631fe6969ff3d80961a37949362fa','6205b7a5d7753a10f0f391315691ec965dac40a0cbc3c8d5e719999724f6390a');
INSERT INTO "journal" VALUES(112,1795980927018,'root','result','web--front--10','','done',108,'6205b7a5d7753a10f0f391315691ec965dac40a0cbc3c8d5e719999724f6390a','cb574160fd104d1d31fd58822e8392f83d2c5bdd104a321809c8d5ec8fbeb721');
INSERT INTO "journal" VALUES(113,1795980927018,'root','result','web--front--10','','done',109,'cb574160fd104d1d31fd58822e8392f83d2c5bdd104a321809c8d5ec8fbeb721','336475878e75c1ba97b7912f6ec1455adffa9ea1d1272b159855f6f1ba1fcaae');
INSERT INTO "journal" VALUES(114,1795980928549,'root','set','hello.me','limits.memory.max 256MiB (its manifest says 128MiB)','done',0,'336475878e75c1ba97b7912f6ec1455adffa9ea1d1272b159855f6f1ba1fcaae','3239c8198b28ac215cd979a25ed47fbb32287bd496edbc038dfe3c0f08523065');
INSERT INTO "journal" VALUES(115,1795980928589,'root','create','me--hello--6','no box yet','',0,'3239c8198b28ac215cd979a25ed47fbb32287bd496edbc038dfe3c0f08523065','66f6bdb4396e83590029798477364cd2e6cb67e3b02af2fb9f7315861ad29600');
INSERT INTO "journal" VALUES(116,1795980928589,'root','start','me--hello--6','no box yet','',0,'66f6bdb4396e83590029798477364cd2e6cb67e3b02af2fb9f7315861ad29600','3baca0bdb42834a6ef46aa6fdf3c8bd19fc34d5395fe7167bb251ef89ad0daf5');
INSERT INTO "journal" VALUES(117,1795980928589,'root','create','web--front--11','no box yet','',0,'3baca0bdb42834a6ef46aa6fdf3c8bd19fc34d5395fe7167bb251ef89ad0daf5','6069fa31a40314d5c8ff0a30edbd94141ad5ab1cd5f8124f112d45e7105d0d5e');
INSERT INTO "journal" VALUES(118,1795980928589,'root','start','web--front--11','no box yet','',0,'6069fa31a40314d5c8ff0a30edbd94141ad5ab1cd5f8124f112d45e7105d0d5e','69941d7cbc68370a82201668d2e647861508de52a152a657c84bd4a9465e272e');
INSERT INTO "journal" VALUES(119,1795980928589,'root','create','web--front--12','no box yet','',0,'69941d7cbc68370a82201668d2e647861508de52a152a657c84bd4a9465e272e','ab97c07d617d46d5fbc94c4d599a23c9cd7587f7bca8d765ccba1b22ac71f03e');
INSERT INTO "journal" VALUES(120,1795980928589,'root','start','web--front--12','no box yet','',0,'ab97c07d617d46d5fbc94c4d599a23c9cd7587f7bca8d765ccba1b22ac71f03e','6f0fa5147d6066bc437e933b7d6ef7c0e7999fce5793a9e4b74f111abd8aa472');
INSERT INTO "journal" VALUES(121,1795980928591,'root','result','me--hello--6','','failed: the image hello:1 is not present',115,'6f0fa5147d6066bc437e933b7d6ef7c0e7999fce5793a9e4b74f111abd8aa472','963d97ee469516f12eb0dbb72e68c46df526554413d2fbc1536f336e3de4ae7b');
INSERT INTO "journal" VALUES(122,1795980928591,'root','result','me--hello--6','','skipped',116,'963d97ee469516f12eb0dbb72e68c46df526554413d2fbc1536f336e3de4ae7b','df74e5e84208665857032023f1a12dc64d9513c617f603b9fa233b51f29d5ed9');
INSERT INTO "journal" VALUES(123,1795980928591,'root','result','web--front--11','','failed: the image front:2 is not present',117,'df74e5e84208665857032023f1a12dc64d9513c617f603b9fa233b51f29d5ed9','eee233af3a8a29cc69c59df07c7014bba6d43df40beae6fae60f0d0d82ebf640');
INSERT INTO "journal" VALUES(124,1795980928591,'root','result','web--front--11','','skipped',118,'eee233af3a8a29cc69c59df07c7014bba6d43df40beae6fae60f0d0d82ebf640','5afc2adc9b891e2c9935f72392eeb9c1955a15fc5347f64c47d393c0c02b3318');
INSERT INTO "journal" VALUES(125,1795980928591,'root','result','web--front--12','','failed: the image front:2 is not present',119,'5afc2adc9b891e2c9935f72392eeb9c1955a15fc5347f64c47d393c0c02b3318','cd74e1e5d21c986d90a2e92188b5d29fcc0d5c1a58fb7ca6ba02e020ae37fa0e');
INSERT INTO "journal" VALUES(126,1795980928591,'root','result','web--front--12','','skipped',120,'cd74e1e5d21c986d90a2e92188b5d29fcc0d5c1a58fb7ca6ba02e020ae37fa0e','381a20d8a4f24c7900727b18bf2e16eeac7e00b8bcc1ac02a31540af417b22ff');
INSERT INTO "journal" VALUES(127,1795980928591,'root','set quota','me','the owner has no cgroup yet','done',0,'381a20d8a4f24c7900727b18bf2e16eeac7e00b8bcc1ac02a31540af417b22ff','fd016d7b60d5a3be83199371197321dbcab002400d505f4b06d62acdf822e8c8');
INSERT INTO "journal" VALUES(128,1795980928591,'root','set quota','web','the owner has no cgroup yet','done',0,'fd016d7b60d5a3be83199371197321dbcab002400d505f4b06d62acdf822e8c8','f421d11c88f4e73d248c9567a78642b228d1260e749a716add14bb3d40a89325');
INSERT INTO "journal" VALUES(129,1795980928609,'root','stop','me--hello--6','it did not come up','',0,'f421d11c88f4e73d248c9567a78642b228d1260e749a716add14bb3d40a89325','0add95823c098d338ef3799f3914d66a9f23f920b0cea8d5768e136c02e01ec5');
INSERT INTO "journal" VALUES(130,1795980928609,'root','remove','me--hello--6','it did not come up','',0,'0add95823c098d338ef3799f3914d66a9f23f920b0cea8d5768e136c02e01ec5','4128e0fe43b741c335005bc336ddd5a8ad11cff3cfd1715e950df2d9611e0adb');
INSERT INTO "journal" VALUES(131,1795980928609,'root','stop','web--front--11','it did not come up','',0,'4128e0fe43b741c335005bc336ddd5a8ad11cff3cfd1715e950df2d9611e0adb','ef712af8ec6aee4636eb26272f094d09ec443ad3329f2b5ebd2cd3147a896fbd');
INSERT INTO "journal" VALUES(132,1795980928609,'root','remove','web--front--11','it did not come up','',0,'ef712af8ec6aee4636eb26272f094d09ec443ad3329f2b5ebd2cd3147a896fbd','10b49a7744ce6754569c237c94dd252dca5d894159b98c1928c9f90ccd589234');
INSERT INTO "journal" VALUES(133,1795980928609,'root','stop','web--front--12','it did not come up','',0,'10b49a7744ce6754569c237c94dd252dca5d894159b98c1928c9f90ccd589234','c98dc62c8f871ad0173870eeca964c6876a49f457c563ad1db2cd32c3247501a');
INSERT INTO "journal" VALUES(134,1795980928609,'root','remove','web--front--12','it did not come up','',0,'c98dc62c8f871ad0173870eeca964c6876a49f457c563ad1db2cd32c3247501a','b9fab960a2d3ec46f202b27b2f6644edb8f24b89e5e44e36d592f085e46948b9');
INSERT INTO "journal" VALUES(135,1795980928618,'root','result','me--hello--6','','done',129,'b9fab960a2d3ec46f202b27b2f6644edb8f24b89e5e44e36d592f085e46948b9','2a084e6677a980adc170c351814a8d00376ef841371c1c7a4bdbd25b9f73e09f');
INSERT INTO "journal" VALUES(136,1795980928618,'root','result','me--hello--6','','done',130,'2a084e6677a980adc170c351814a8d00376ef841371c1c7a4bdbd25b9f73e09f','50668152c55d0f4d29c63a8f6620d805eb646022b6f192288898a3f784ecf64b');
INSERT INTO "journal" VALUES(137,1795980928618,'root','result','web--front--11','','done',131,'50668152c55d0f4d29c63a8f6620d805eb646022b6f192288898a3f784ecf64b','970acd39e9cddefdc2f1b55a455cf2fe5cafb62f1d3ae969a75de99d1ad9e375');
INSERT INTO "journal" VALUES(138,1795980928618,'root','result','web--front--11','','done',132,'970acd39e9cddefdc2f1b55a455cf2fe5cafb62f1d3ae969a75de99d1ad9e375','20aa444d22361ae872dd5836b75a6712752e5abbc133f764810eec5520013ed3');
INSERT INTO "journal" VALUES(139,1795980928618,'root','result','web--front--12','','done',133,'20aa444d22361ae872dd5836b75a6712752e5abbc133f764810eec5520013ed3','7622bc3fadd26a1b38c00236fecb6579a01a54f026dc6db59dcba89a5a29603a');
INSERT INTO "journal" VALUES(140,1795980928618,'root','result','web--front--12','','done',134,'7622bc3fadd26a1b38c00236fecb6579a01a54f026dc6db59dcba89a5a29603a','f1d6e9c2b07072c07f44b3f3648ba8aa6c959a20485285cfc6c21603ddeb9c3a');
INSERT INTO "journal" VALUES(141,1795980928624,'root','set','hello.me','as its manifest says','done',0,'f1d6e9c2b07072c07f44b3f3648ba8aa6c959a20485285cfc6c21603ddeb9c3a','85716dd3f3eb10c4a9b8e309f4aa110c757660144ede4f1c2d21205d987e9378');
INSERT INTO "journal" VALUES(142,1795980971998,'root','hold','hello.me','held until 2027-02-17 19:36 UTC: the disk is being changed','done',0,'85716dd3f3eb10c4a9b8e309f4aa110c757660144ede4f1c2d21205d987e9378','fe9cd27dd08db5140afa2903d22b3fd47c3ddf4991bacd22bea00ca059b1a721');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('installation','a665cb10be6423da');
INSERT INTO "meta" VALUES('key','dd2e952cd00061beff3151039bcec03b6f2f2f8d2a8c3b1a58cb2ff5c2d5bdd9');
INSERT INTO "meta" VALUES('engine','memory ');
INSERT INTO "meta" VALUES('ranges','10.231.0.0/17 10.231.128.0/17');
INSERT INTO "meta" VALUES('under way','');
CREATE TABLE overrides (
    owner TEXT NOT NULL, service TEXT NOT NULL, path TEXT NOT NULL, value TEXT NOT NULL,
    manifest_value TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, service, path));
CREATE TABLE pins (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, reference TEXT NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (set_name, number, reference));
INSERT INTO "pins" VALUES('default',1,'hello:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:c06ef95f1c07bed484ef6ac42e2cb9c2034a44cf8bdc4fe1b26363a77ea18e93", "labels": [], "ports": [], "reference": "hello:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "pins" VALUES('web',1,'front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:218c8871c78137eb5aa4cd820ba2b564c0fb809f043b2e6a42a1fe224f84ad9a", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "pins" VALUES('web',2,'front:2','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:e931fb332de0d9074f942014922e8cc51623566811e1e299f6c32012508bf755", "labels": [], "ports": [], "reference": "front:2", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
INSERT INTO "pins" VALUES('web',3,'front:1','{"architecture": "amd64", "cmd": ["/run"], "digest": "", "entrypoint": [], "env": [], "id": "sha256:218c8871c78137eb5aa4cd820ba2b564c0fb809f043b2e6a42a1fe224f84ad9a", "labels": [], "ports": [], "reference": "front:1", "stop_signal": "", "user": "", "volumes": [], "workdir": ""}');
CREATE TABLE revisions (
    set_name TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
    verb TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', commit_id TEXT NOT NULL DEFAULT '',
    repeats INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, live INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (set_name, number));
INSERT INTO "revisions" VALUES('default',1,1795980913963,'root','apply','','',0,'converged',1);
INSERT INTO "revisions" VALUES('web',1,1795980918294,'root','apply','','',0,'converged',0);
INSERT INTO "revisions" VALUES('web',2,1795980922577,'root','apply','','',0,'converged',0);
INSERT INTO "revisions" VALUES('web',3,1795980926897,'root','rollback','to revision 1','',1,'partly applied',1);
CREATE TABLE services (
    owner TEXT NOT NULL, service TEXT NOT NULL, key TEXT NOT NULL, serial_last INTEGER NOT NULL,
    uid_base INTEGER NOT NULL UNIQUE, address TEXT NOT NULL UNIQUE,
    healthy_set TEXT NOT NULL DEFAULT '', healthy_revision INTEGER NOT NULL DEFAULT 0,
    held_revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, service));
INSERT INTO "services" VALUES('me','hello','5f7bc13efa334b71',6,1048576,'10.231.128.2','default',1,0);
INSERT INTO "services" VALUES('web','front','025f36d12fd68775',12,1114112,'10.231.128.3','web',2,2);
CREATE TABLE sets (name TEXT PRIMARY KEY, down INTEGER NOT NULL DEFAULT 0);
INSERT INTO "sets" VALUES('default',0);
INSERT INTO "sets" VALUES('web',0);
CREATE TABLE strict (
    owner TEXT NOT NULL, service TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (owner, service));
INSERT INTO "strict" VALUES('me','hello',1);
INSERT INTO "strict" VALUES('web','front',1);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',142);
COMMIT;
