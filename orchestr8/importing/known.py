"""What images that everyone knows say of themselves: a Compose file leaves that to them.

Ports, for files that do not name the port that is called; and declared volumes, for which Compose
makes nameless ones and a manifest has to say whether they are kept.
"""

from __future__ import annotations

_PORTS: dict[str, tuple[int, ...]] = {
    "adminer": (8080,),
    "caddy": (80, 443),
    "cassandra": (9042,),
    "clickhouse": (8123, 9000),
    "clickhouse-server": (8123, 9000),
    "couchdb": (5984,),
    "elasticsearch": (9200,),
    "etcd": (2379,),
    "gitea": (3000, 22),
    "grafana": (3000,),
    "httpd": (80,),
    "influxdb": (8086,),
    "kafka": (9092,),
    "keycloak": (8080,),
    "loki": (3100,),
    "mailpit": (1025, 8025),
    "mariadb": (3306,),
    "meilisearch": (7700,),
    "memcached": (11211,),
    "minio": (9000,),
    "mongo": (27017,),
    "mosquitto": (1883,),
    "eclipse-mosquitto": (1883,),
    "mysql": (3306,),
    "nats": (4222,),
    "nginx": (80,),
    "node-exporter": (9100,),
    "opensearch": (9200,),
    "pgbouncer": (5432,),
    "pgvector": (5432,),
    "postgis": (5432,),
    "postgres": (5432,),
    "prometheus": (9090,),
    "rabbitmq": (5672,),
    "redis": (6379,),
    "registry": (5000,),
    "timescaledb": (5432,),
    "traefik": (80,),
    "valkey": (6379,),
    "vault": (8200,),
    "zookeeper": (2181,),
}
_VOLUMES: dict[str, tuple[str, ...]] = {
    "alertmanager": ("/alertmanager",),
    "cassandra": ("/var/lib/cassandra",),
    "clickhouse-server": ("/var/lib/clickhouse",),
    "couchdb": ("/opt/couchdb/data",),
    "eclipse-mosquitto": ("/mosquitto/data", "/mosquitto/log"),
    "forgejo": ("/data",),
    "ghost": ("/var/lib/ghost/content",),
    "gitea": ("/data",),
    "jenkins": ("/var/jenkins_home",),
    "mariadb": ("/var/lib/mysql",),
    "mongo": ("/data/configdb", "/data/db"),
    "mysql": ("/var/lib/mysql",),
    "nextcloud": ("/var/www/html",),
    "postgis": ("/var/lib/postgresql/data",),
    "postgres": ("/var/lib/postgresql/data",),
    "prometheus": ("/prometheus",),
    "rabbitmq": ("/var/lib/rabbitmq",),
    "redis": ("/data",),
    "registry": ("/var/lib/registry",),
    "timescaledb": ("/var/lib/postgresql/data",),
    "valkey": ("/data",),
    "vault": ("/vault/file", "/vault/logs"),
    "wordpress": ("/var/www/html",),
    "zookeeper": ("/data", "/datalog", "/logs"),
}
SCHEMES = {
    "amqp": 5672,
    "amqps": 5671,
    "clickhouse": 9000,
    "http": 80,
    "https": 443,
    "kafka": 9092,
    "ldap": 389,
    "mariadb": 3306,
    "mongodb": 27017,
    "mqtt": 1883,
    "mysql": 3306,
    "nats": 4222,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "smtp": 25,
    "ws": 80,
}
"""The port that an address without one means, by its scheme; drivers are named after a plus."""


def ports_of(image: str) -> tuple[int, ...]:
    """The ports of an image by the last part of its name; none if it is not known."""
    return _PORTS.get(_last_part(image), ())


def volumes_of(image: str) -> tuple[str, ...]:
    """Where an image declares volumes, by the last part of its name; none if it is not known."""
    return _VOLUMES.get(_last_part(image), ())


def _last_part(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
