"""The picture of the architecture, drawn from what the Pulumi program registers.

Boxes are the recorded resources and arrows what the recording says of them: mappings,
subscriptions, event destinations, integrations and permissions. Only the places are given here; a
resource without one stops the script.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from local.recording import Recorded, Recording, record_project

ROOT = Path(__file__).resolve().parents[1]

_PROVIDER_NAMES = ("SES", "SMS and RCS", "WhatsApp")
# Where each box is, in columns and rows.
_PLACES: Mapping[str, tuple[float, float]] = {
    "caller": (0, 0),
    "rest-api": (1, 0),
    "message-api": (2, 0),
    "intake": (3, 0),
    "timers": (4.15, 1),
    "send-primary": (4, 0),
    "send-fallback": (4, 2),
    "SES": (5.6, 0),
    "SMS and RCS": (5.6, 1),
    "WhatsApp": (5.6, 2),
    "messages": (0.9, 1.6),
    "payloads": (1.9, 2.2),
    "provider-message-ids": (2.9, 2.8),
    "topic": (5.6, 4),
    "events": (4, 4),
    "relay-events": (3, 4),
    "stream": (2, 4),
    "normalize-events": (1, 4),
    "quarantine": (0, 4),
    "stream-failures": (0, 5),
}
# Where an arrow turns, if the straight one would run behind a box.
_TURNS: Mapping[tuple[str, str], tuple[tuple[float, float], ...]] = {
    **{(provider, "topic"): ((6.2, row), (6.2, 4)) for row, provider in enumerate(_PROVIDER_NAMES)},
    ("normalize-events", "timers"): ((1.5, 3.4), (3.45, 3.4), (3.45, 1)),
}
_KINDS: Mapping[str, tuple[str, str]] = {
    "RestApi": ("API Gateway", "#f3e8ff"),
    "Function": ("Lambda", "#ffedd5"),
    "Queue": ("SQS", "#fce7f3"),
    "Table": ("DynamoDB", "#dbeafe"),
    "Topic": ("SNS", "#fce7f3"),
    "Stream": ("Kinesis", "#ede9fe"),
    "": ("", "#f1f5f9"),
}
# Actions that send through a provider.
_PROVIDERS = {"ses": "SES", "sms-voice": "SMS and RCS", "social-messaging": "WhatsApp"}
_COLUMN, _ROW, _WIDTH, _HEIGHT, _MARGIN = 190, 100, 150, 54, 20
_Point = tuple[float, float]


@dataclass(frozen=True)
class _Box:
    name: str
    kind: str
    note: str = ""

    @property
    def center(self) -> _Point:
        return _at(_PLACES[self.name])


def _at(place: tuple[float, float]) -> _Point:
    column, row = place
    return _MARGIN + column * _COLUMN + _WIDTH / 2, _MARGIN + row * _ROW + _HEIGHT / 2


def architecture() -> str:
    """Return the picture of the staging stack, without its alarms and logs, as SVG."""
    recording = record_project(ROOT, "staging")
    boxes = {resource.arn: box for resource, box in _boxes(recording)}
    outside = [_Box("caller", ""), *(_Box(name, "") for name in _PROVIDER_NAMES)]
    arrows = sorted(set(_arrows(recording, boxes)))
    return _drawing([*outside, *boxes.values()], arrows)


def _boxes(recording: Recording) -> Iterator[tuple[Recorded, _Box]]:
    for resource in recording.resources:
        if resource.kind in _KINDS and not resource.name.endswith("-dead-letters"):
            name = max(
                (place for place in _PLACES if resource.name.endswith(f"-{place}")),
                key=len,
                default=resource.name,
            )
            note = "+ dead letters" if "redrivePolicy" in resource.inputs else ""
            yield resource, _Box(name, resource.kind, note)


def _arrows(recording: Recording, boxes: Mapping[str, _Box]) -> Iterator[tuple[str, str]]:
    by_name = {box.name: box for box in boxes.values()}
    for resource in recording.resources:
        inputs = resource.inputs
        match resource.kind:
            case "Integration":
                yield "caller", "rest-api"
                yield "rest-api", _ending(inputs["uri"], by_name)
            case "EventSourceMapping":
                yield boxes[inputs["eventSourceArn"]].name, boxes[inputs["functionName"]].name
            case "TopicSubscription":
                yield boxes[inputs["topic"]].name, boxes[inputs["endpoint"]].name
            case "ConfigurationSetEventDestination":
                topic = inputs["eventDestination"]["snsDestination"]["topicArn"]
                yield "SES", boxes[topic].name
            case "Smsvoicev2EventDestination":
                yield "SMS and RCS", boxes[inputs["snsDestination"]["topicArn"]].name
            case "TopicPolicy" if "social-messaging" in inputs["policy"]:
                yield "WhatsApp", boxes[inputs["arn"]].name
            case "RolePolicy":
                function = _ending(resource.name.removesuffix("-policy"), by_name)
                yield from _permitted(function, json.loads(inputs["policy"]), boxes)


def _permitted(
    function: str, policy: Mapping[str, object], boxes: Mapping[str, _Box]
) -> Iterator[tuple[str, str]]:
    statements = policy["Statement"]
    assert isinstance(statements, list)
    for statement in statements:
        # What a function reads from has an arrow from its mapping.
        actions = [a for a in statement["Action"] if not a.startswith(("sqs:Rec", "kinesis:Get"))]
        for action in actions:
            service = action.partition(":")[0]
            if service in _PROVIDERS:
                yield function, _PROVIDERS[service]
            elif action in ("sqs:SendMessage", "kinesis:PutRecords") or service == "dynamodb":
                for arn in statement["Resource"]:
                    yield function, boxes[arn].name


def _ending(text: str, names: Iterable[str]) -> str:
    return max((name for name in names if text.endswith(f"-{name}")), key=len)


def _drawing(boxes: Iterable[_Box], arrows: Iterable[tuple[str, str]]) -> str:
    by_name = {box.name: box for box in boxes}
    missing = sorted(set(by_name) - set(_PLACES))
    if missing:
        raise SystemExit(f"docs/architecture.py has no place for {', '.join(missing)}")
    turns = [place for places in _TURNS.values() for place in places]
    width = round(max(_at(place)[0] for place in turns)) + _MARGIN
    height = 2 * _MARGIN + 5 * _ROW + _HEIGHT
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="Helvetica, Arial, sans-serif" role="img">'
        ),
        "<title>Architecture of fallback messaging</title>",
        (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#475569"/>'
            "</marker></defs>"
        ),
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(_arrow(by_name[start], by_name[end]) for start, end in arrows),
        *(line for box in sorted(by_name.values(), key=lambda b: b.name) for line in _box(box)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _arrow(start: _Box, end: _Box) -> str:
    # To and from tables there are many: those are thinner.
    color = "#cbd5e1" if "Table" in (start.kind, end.kind) else "#475569"
    turns = [_at(place) for place in _TURNS.get((start.name, end.name), ())]
    first, *_, last = [*turns, end.center, start.center, *turns]
    points = [_edge(start, first), *turns, _edge(end, last)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{line}" fill="none" stroke="{color}" '
        'stroke-width="1.3" marker-end="url(#head)"/>'
    )


def _edge(box: _Box, towards: _Point) -> _Point:
    """Return where the line to a point leaves a box."""
    (x, y), (to_x, to_y) = box.center, towards
    dx, dy = to_x - x, to_y - y
    scale = min(
        _WIDTH / 2 / abs(dx) if dx else float("inf"),
        _HEIGHT / 2 / abs(dy) if dy else float("inf"),
    )
    return x + dx * scale, y + dy * scale


def _box(box: _Box) -> Iterator[str]:
    service, color = _KINDS[box.kind]
    x, y = box.center
    yield (
        f'<rect x="{x - _WIDTH / 2:.0f}" y="{y - _HEIGHT / 2:.0f}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="8" fill="{color}" stroke="#64748b"/>'
    )
    yield _text(x, y + 1 if service else y + 5, 13, box.name)
    if service:
        note = f"{service} {box.note}".strip()
        yield _text(x, y + 17, 10, note)


def _text(x: float, y: float, size: int, text: str) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="middle" '
        f'fill="#0f172a">{escape(text)}</text>'
    )
