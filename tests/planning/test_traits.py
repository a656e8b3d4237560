"""What is out of the ordinary is noted of each service, and nothing of those that are ordinary."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.names import ServiceName
from orchestr8.planning.compare import compare
from orchestr8.planning.places import Presence
from orchestr8.planning.survey import survey
from orchestr8.planning.traits import Traits
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import Brief, fleet

API, DB, OFF = ServiceName("me", "api"), ServiceName("me", "db"), ServiceName("you", "off")


def running(services: Brief) -> Simulation:
    simulation = Simulation()
    converge(simulation, fleet({"services": services}))
    return simulation


def traits(desired: Desired) -> Traits:
    found = Traits()
    for name, service in desired.services.items():
        found.note(name, service)
    return found


def test_an_ordinary_service_has_an_owner_and_nothing_else() -> None:
    assert traits(running({"api.me": {}}).desired) == Traits(owners={"me"})
    assert traits(running({"api.me": {"replicas": 0}}).desired) == Traits()


def test_each_trait_names_who_has_it() -> None:
    desired = running(
        {
            "api.me": {"standby": 1, "connects": ["db:2", "db:1", "db:2"]},
            "db.me": {"accepts": ["api:1", "api:2"], "stop": {"grace_ms": 1_000}},
            "off.you": {"limits": {"dedicated": 1}},
        }
    ).desired
    ended = replace(desired.services[DB], new_boxes_allowed=False)
    assert traits(replace(desired, services={**desired.services, DB: ended})) == Traits(
        standby=[API],
        dedicated=[OFF],
        stops=[DB],
        ended=[DB],
        repeating=[API],
        ports={DB: (1, 2)},
        owners={"me", "you"},
    )


def test_services_that_stay_are_known_by_where_they_are() -> None:
    simulation = running(
        {"api.me": {"replicas": 2, "publish": {"127.0.0.1:8080": 80}}, "db.me": {}}
    )
    desired, records = simulation.desired, simulation.records
    seen = survey(desired, simulation.world(), records, simulation.clock.now_ms())
    addresses = tuple(sorted(box.address for box in seen.of(API)))
    found = compare(desired, seen, records)
    assert not found.moves
    assert found.steady == {API: Presence(addresses, (), addresses), DB: Presence()}
    left_to_another = compare(desired, replace(seen, busy=frozenset({API})), records)
    assert left_to_another.steady.keys() == {DB}
    assert left_to_another.traits == found.traits
