"""Connections are shared out among the workers."""

from enrollment.serving.balance import MOST_WORKERS, Shares


def test_a_worker_alone_takes_everything() -> None:
    shares = Shares()
    place = shares.take_place(set())
    shares.tell(place, 200)

    assert not shares.somebody_holds_fewer(200)


def test_the_worker_with_fewer_connections_is_the_better_one() -> None:
    shares = Shares()
    busy, idle = shares.take_place(set()), shares.take_place({0})
    shares.tell(busy, 3)
    shares.tell(idle, 2)

    assert shares.somebody_holds_fewer(3)
    assert not shares.somebody_holds_fewer(2)


def test_a_worker_that_is_gone_is_not_waited_for() -> None:
    shares = Shares()
    left = shares.take_place(set())
    gone = shares.take_place({left})
    shares.tell(left, 5)
    assert shares.somebody_holds_fewer(5)

    shares.leave_place(gone)

    assert not shares.somebody_holds_fewer(5)


def test_a_new_worker_gets_the_place_of_the_one_that_is_gone() -> None:
    shares = Shares()

    assert shares.take_place({0, 2}) == 1


def test_more_connections_than_can_be_counted_do_no_harm() -> None:
    shares = Shares()
    first, second = shares.take_place(set()), shares.take_place({0})
    shares.tell(first, 100_000)
    shares.tell(second, 1_000)

    assert not shares.somebody_holds_fewer(100_000)


def test_a_count_below_nothing_does_no_harm() -> None:
    shares = Shares()
    place = shares.take_place(set())
    shares.tell(place, -1)

    assert not shares.somebody_holds_fewer(0)


def test_there_is_a_place_for_as_many_workers_as_the_setting_allows() -> None:
    """`CERTSRV_WORKERS` goes up to 64."""
    shares = Shares()

    assert shares.take_place(set(range(MOST_WORKERS - 1))) == MOST_WORKERS - 1
