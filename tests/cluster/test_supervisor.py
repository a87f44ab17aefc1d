"""The supervisor's decisions, with `now` as an argument and no process."""

import signal

from cluster.supervisor import (
    Action,
    Configure,
    Exit,
    Kill,
    Policy,
    Ready,
    Start,
    State,
    Supervisor,
    Tell,
)

READY = {"ready": True}


def deeds(actions: list[Action], *kinds: type) -> list[Action]:
    return [action for action in actions if isinstance(action, kinds or (Start, Kill, Tell, Ready, Exit, Configure))]


def serving(shards: int = 2, now: float = 0.0) -> Supervisor:
    core = Supervisor(shards)
    core.begin(now)
    for index in range(shards):
        core.message(f"shard-{index}", READY, now)
    core.message("router", READY, now)
    return core


def test_the_router_starts_with_the_shards_and_is_told_when_one_is_ready():
    core = Supervisor(2)
    assert core.begin(0.0) == [Start("shard-0", 1), Start("shard-1", 1), Start("router", 1)]
    assert core.ready_shards() == set()
    assert core.message("shard-1", READY, 0.1) == [Tell("router", {"shard": 1, "state": "up", "incarnation": 1})]
    assert core.ready_shards() == {1}


def test_the_router_hears_how_far_a_shard_s_loading_is():
    core = Supervisor(1)
    core.begin(0.0)
    said = {"total": 10, "loaded": 5, "keys": 1, "bytes_per_s": 5}
    assert core.message("shard-0", {"loading": said}, 0.1) == [Tell("router", {"shard": 0, "loading": said})]
    assert core.message("router", {"loading": said}, 0.1) == []


def test_the_group_is_ready_once_and_when_the_router_says_so():
    core = Supervisor(1)
    core.begin(0.0)
    core.message("shard-0", READY, 0.0)
    assert core.message("router", {"ready": True, "port": 7000}, 0.1) == [Ready({"ready": True, "port": 7000})]
    core.exited("router", -9, 0.2)
    assert deeds(core.message("router", READY, 0.3)) == []
    assert core.router.state is State.READY


def test_a_killed_shard_is_restarted_at_once_and_the_router_is_told():
    core = serving()
    assert deeds(core.exited("shard-1", -9, 1.0)) == [Tell("router", {"shard": 1, "state": "down"}), Start("shard-1", 2)]
    assert deeds(core.message("shard-1", READY, 1.5)) == [
        Tell("router", {"shard": 1, "state": "up", "incarnation": 2})
    ]


def test_a_shard_that_keeps_crashing_is_restarted_slower_and_slower_up_to_a_limit():
    core = serving()
    now, delays = 0.0, []
    for _ in range(9):
        core.exited("shard-0", 1, now)
        if core.children["shard-0"].state is State.WAITING:
            assert core.next_at() <= core.children["shard-0"].since
            delays.append(round(core.children["shard-0"].since - now, 3))
            now = core.children["shard-0"].since
            assert Start("shard-0", core.children["shard-0"].incarnation + 1) in core.tick(now)
        else:
            delays.append(0.0)
        core.message("shard-0", READY, now)
    assert delays == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_shard_that_served_long_enough_starts_without_back_off_again():
    core = serving()
    for _ in range(3):
        core.exited("shard-0", 1, 0.0)
        core.tick(10.0)
        core.message("shard-0", READY, 10.0)
    actions = core.exited("shard-0", 1, 10.0 + Policy().stable_s)
    assert Start("shard-0", 5) in actions


def test_nothing_starts_before_its_time():
    core = serving()
    core.exited("shard-0", 1, 0.0)
    core.message("shard-0", READY, 0.0)
    core.exited("shard-0", 1, 0.0)
    assert core.tick(0.09) == []
    assert core.tick(0.1) == [Start("shard-0", 3)]


def test_a_wedged_shard_is_killed_and_restarted():
    core = serving()
    assert deeds(core.message("router", {"wedged": 0}, 1.0)) == [Kill("shard-0", signal.SIGKILL)]
    assert core.message("router", {"wedged": 0}, 1.1) == []  # once is enough
    assert deeds(core.exited("shard-0", -9, 1.2)) == [Tell("router", {"shard": 0, "state": "down"}), Start("shard-0", 2)]


def test_only_the_router_may_call_a_shard_wedged_and_only_one_that_exists():
    core = serving()
    assert core.message("shard-1", {"wedged": 0}, 1.0) == []
    assert core.message("router", {"wedged": 2}, 1.0) == []
    assert core.message("router", {"wedged": -1}, 1.0) == []


def test_a_killed_router_is_restarted_and_the_shards_are_left_alone():
    core = serving()
    assert deeds(core.exited("router", -9, 1.0)) == [Start("router", 2)]


def heard_until(core: Supervisor, now: float) -> None:
    """The router says once a second that it is well."""
    for second in range(1, int(now) + 1):
        assert core.message("router", {"alive": True}, float(second)) == []
        assert core.tick(float(second)) == []


def test_a_router_that_hangs_is_killed_and_restarted():
    core = serving()
    heard_until(core, 3.0)
    now, actions = 3.0, []
    while not actions:
        assert core.next_at() > now
        now = core.next_at()
        actions = core.tick(now)
    assert now == 3.0 + Policy().router_silence_s
    assert deeds(actions) == [Kill("router", signal.SIGKILL)]
    assert core.next_at() is None and core.tick(now + 60) == []
    assert deeds(core.exited("router", -9, now)) == [Start("router", 2)]


def test_the_silence_while_the_supervisor_itself_stood_still_is_not_counted():
    core = serving()
    heard_until(core, 3.0)
    assert core.tick(3600.0) == []
    assert deeds(core.tick(3600.0 + 1)) == []
    core.message("router", {"alive": True}, 3601.0)
    assert core.router.state is State.READY


def test_a_router_that_starts_while_a_shard_is_down_is_not_given_its_address():
    core = serving()
    core.exited("shard-0", 1, 1.0)
    assert deeds(core.exited("router", -9, 1.1)) == [Start("router", 2)]
    assert core.ready_shards() == {1}


def test_a_group_whose_shard_never_starts_gives_up_and_ends_the_others():
    core = Supervisor(2)
    core.begin(0.0)
    core.message("shard-0", READY, 0.0)
    now = 0.0
    for _ in range(2):
        core.exited("shard-1", 7, now)
        now += 5.0
        core.tick(now)
    assert deeds(core.exited("shard-1", 7, now)) == [Kill("router", signal.SIGTERM)]
    assert deeds(core.exited("router", 0, now)) == [Kill("shard-0", signal.SIGTERM)]
    (last,) = core.exited("shard-0", 0, now)
    assert last == Exit(1, "shard-1 does not start (exit code 7); its log says why")


def test_a_fatal_word_before_readiness_ends_the_group_with_its_text():
    core = Supervisor(2)
    core.begin(0.0)
    actions = core.message("shard-1", {"fatal": "journal damaged at offset 12"}, 0.0)
    assert deeds(actions) == [Kill("router", signal.SIGTERM)]
    assert core.exited("router", 0, 0.1) == [Kill("shard-0", signal.SIGTERM), Kill("shard-1", signal.SIGTERM)]
    core.exited("shard-0", -15, 0.1)
    assert core.exited("shard-1", 2, 0.1) == [Exit(2, "journal damaged at offset 12")]


def test_a_stop_ends_the_router_first_and_then_the_shards():
    core = serving()
    assert core.stop(1.0) == [Kill("router", signal.SIGTERM)]
    assert core.stop(1.1) == []
    assert core.exited("router", 0, 1.2) == [Kill("shard-0", signal.SIGTERM), Kill("shard-1", signal.SIGTERM)]
    assert core.exited("shard-1", 0, 1.3) == []
    assert core.exited("shard-0", 0, 1.4) == [Exit(0)]


def test_what_ignores_the_stop_is_killed_within_ten_seconds():
    core = serving()
    core.stop(0.0)
    at = core.next_at()
    assert Kill("router", signal.SIGKILL) in core.tick(at)
    core.exited("router", -9, at)
    at = core.next_at()
    assert deeds(core.tick(at)) == [Kill("shard-0", signal.SIGKILL), Kill("shard-1", signal.SIGKILL)]
    assert at < 10.0


def test_a_shard_that_crashes_during_the_stop_is_not_restarted():
    core = serving()
    core.stop(0.0)
    assert core.exited("shard-0", -11, 0.1) == []
    assert core.exited("router", 0, 0.2) == [Kill("shard-1", signal.SIGTERM)]
    assert core.exited("shard-1", 0, 0.3) == [Exit(0)]


def test_a_stop_while_shards_wait_for_their_restart_starts_nothing():
    core = serving(1)
    core.exited("shard-0", 1, 0.0)
    core.message("shard-0", READY, 0.0)
    core.exited("shard-0", 1, 0.0)
    core.stop(0.05)
    assert core.tick(1.0) == []
    assert core.exited("router", 0, 1.1) == [Exit(0)]


def test_a_client_can_ask_for_the_shutdown_and_for_changed_configuration():
    core = serving()
    assert core.message("router", {"config": {"maxmemory": "1gb"}}, 1.0) == [Configure({"maxmemory": "1gb"})]
    assert Kill("router", signal.SIGTERM) in core.message("router", {"shutdown": True}, 1.0)
