"""The short memory of passwords that were right."""

from enrollment.signin.verified import LIFETIME_SECONDS, VerifiedCredentials

HERE = "192.0.2.1"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time a test set."""
        return self.now


def test_a_remembered_password_is_known_again() -> None:
    record = VerifiedCredentials(Clock())
    record.remember("carol", HERE, "secret", "hash-1")

    assert record.holds("carol", HERE, "secret", "hash-1")


def test_another_password_or_name_is_not_known() -> None:
    record = VerifiedCredentials(Clock())
    record.remember("carol", HERE, "secret", "hash-1")

    assert not record.holds("carol", HERE, "guess", "hash-1")
    assert not record.holds("car", HERE, "olsecret", "hash-1")


def test_what_was_right_here_says_nothing_elsewhere() -> None:
    record = VerifiedCredentials(Clock())
    record.remember("carol", HERE, "secret", "hash-1")

    assert not record.holds("carol", "192.0.2.2", "secret", "hash-1")


def test_a_guess_does_not_end_the_memory_and_forgetting_does() -> None:
    record = VerifiedCredentials(Clock())
    record.remember("carol", HERE, "secret", "hash-1")

    assert not record.holds("carol", HERE, "guess", "hash-1")
    assert record.holds("carol", HERE, "secret", "hash-1")
    record.forget("carol", HERE)
    assert not record.holds("carol", HERE, "secret", "hash-1")


def test_a_changed_password_hash_ends_what_was_remembered() -> None:
    record = VerifiedCredentials(Clock())
    record.remember("carol", HERE, "secret", "hash-1")

    assert not record.holds("carol", HERE, "secret", "hash-2")
    assert len(record) == 0


def test_the_memory_is_short() -> None:
    clock = Clock()
    record = VerifiedCredentials(clock)
    record.remember("carol", HERE, "secret", "hash-1")

    clock.now = LIFETIME_SECONDS

    assert not record.holds("carol", HERE, "secret", "hash-1")


def test_the_memory_is_small() -> None:
    record = VerifiedCredentials(Clock(), capacity=2)
    for name in ("a", "b", "c"):
        record.remember(name, HERE, "secret", "hash")

    assert len(record) == 2
    assert not record.holds("a", HERE, "secret", "hash")


def test_no_password_is_kept() -> None:
    record = VerifiedCredentials(Clock())
    record.remember("carol", HERE, "secret", "hash-1")

    assert "secret" not in repr(vars(record))
