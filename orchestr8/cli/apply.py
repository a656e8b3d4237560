"""`apply`: the manifests become true."""

from __future__ import annotations

from orchestr8.cli.arguments import (
    DEFAULT_SET,
    EngineName,
    Output,
    OutputAs,
    Paths,
    Pull,
    SetName,
    Timeout,
    checked_set,
    checked_timeout,
)


def run(
    paths: Paths,
    set_name: SetName = DEFAULT_SET,
    timeout: Timeout = "10m",
    pull: Pull = False,
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Make the manifests true: provision, change in place, replace, release; then prove.

    Everything is checked before anything is touched, and a set is applied whole or not at all.
    A second apply of the same manifests does nothing. An update that fails takes its service
    back to what worked (exit status 5).
    """
    from orchestr8.cli.conclusion import as_json, conclusion
    from orchestr8.cli.opening import (
        check_before_the_first,
        lines_shown,
        make_up_secrets,
        opened,
        request_of,
    )
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.cli.texts import typed
    from orchestr8.cli.watching import watching
    from orchestr8.controller.apply import apply_request

    timeout_ms = checked_timeout(timeout)
    request, texts = request_of(paths, checked_set(set_name), pull=pull)
    check_before_the_first(request, texts, engine)
    with opened(engine) as session:
        with lines_shown(texts), watching(output) as watcher:
            make_up_secrets(session, request)
            applied = apply_request(session, request, watcher, timeout_ms)
        part = session.stored.fleet.sets.get(set_name)
        simulated = session.choice.engine == "memory"
    board = watcher.board
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("applied", **as_json(applied, board), passed_over=texts.passed_over)
        return int(applied.exit)
    for name in texts.passed_over:
        say(f"passed over: {escaped(name)} (it has none of a manifest's keys)")
    again = f"orchestr8 apply {typed(paths, set_name)}"
    services = len(part.services) if part else 0
    for line in conclusion(applied, board, again, services, simulated=simulated):
        say(line)
    return int(applied.exit)
