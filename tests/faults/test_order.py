"""The row after all events is the same for every order and multiplicity of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.domain.message import Message, Step, UseCase, apply
from runtime.domain.status import DeliveryEvent, FailureClass, Status

EVENTS = st.lists(
    st.builds(
        DeliveryEvent,
        channel=st.just("email"),
        status=st.sampled_from([*Status, Status.FAILED, Status.FAILED]),
        event_type=st.just("any"),
        provider_message_id=st.sampled_from([None, "a", "b"]),
        step=st.sampled_from([0, 1]),
        failure_class=st.sampled_from(list(FailureClass)),
        permanent=st.sampled_from([None, True, False]),
        reason=st.sampled_from([None, "1", "2"]),
        occurred_at=st.integers(1, 3),
    ),
    max_size=8,
)


def row() -> Message:
    step = Step(channel="email", fallback_seconds=1, stop_on=(FailureClass.BLOCKED,))
    return Message("m", UseCase.FALLBACK, (step, step), created_at=0, expires_at=0)


@settings(max_examples=400, deadline=None)
@given(events=EVENTS, data=st.data())
def test_order_and_multiplicity_do_not_matter(events, data) -> None:
    shuffled = data.draw(st.permutations(events + events[:3]))
    assert apply(row(), shuffled) == apply(row(), events)
    assert apply(apply(row(), events), events) == apply(row(), events)
