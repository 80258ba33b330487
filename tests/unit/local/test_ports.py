from tidegate.local.ports import LISTEN_RANGE, choose_ports


def test_ports_that_others_are_about_to_listen_on_are_not_chosen() -> None:
    low, high = LISTEN_RANGE
    left = range(low, low + 40)  # some of them may be taken on this machine
    found = choose_ports(("a", "b"), avoid=range(left.stop, high + 1))
    assert set(found.values()) <= set(left)
    assert len(set(found.values())) == 2
