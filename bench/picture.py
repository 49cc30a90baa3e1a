"""Small pictures, drawn as SVG: bars and lines, readable on light and dark backgrounds."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_WIDTH = 720
_LEFT, _RIGHT = 190, 90
_COLOURS = (
    *("#2f7ed8", "#f28f43", "#3a9e5d", "#a64ca6", "#8a8a8a"),
    *("#c94c4c", "#2ab7ca", "#b59410", "#e58ac0", "#5b4a9c"),
)
_LEGEND_COLUMNS = 3
_STYLE = (
    "text{font:12px sans-serif;fill:#666}.title{font-size:14px;font-weight:bold}"
    ".axis{stroke:#999;stroke-width:1}.line{fill:none;stroke-width:2}"
)


def bars(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], form: str) -> str:
    """Draw one bar per row, each stacked from its parts; `form` has `{}` for its sum."""
    most = max(sum(parts.values()) for _, parts in rows)
    names = list(dict.fromkeys(name for _, parts in rows for name in parts))
    colours = dict(zip(names, _COLOURS * len(names), strict=False))
    drawn = []
    top = 34
    for label, parts in rows:
        drawn.append(_text(_LEFT - 8, top + 13, label, "end"))
        left = float(_LEFT)
        for name, value in parts.items():
            width = value / most * (_WIDTH - _LEFT - _RIGHT)
            drawn.append(
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="18" '
                f'fill="{colours[name]}"/>'
            )
            left += width
        drawn.append(_text(left + 6, top + 13, form.format(_number(sum(parts.values())))))
        top += 26
    if len(names) > 1:
        drawn += _legend(names, colours, top + 14)
        top += 18 * math.ceil(len(names) / _LEGEND_COLUMNS)
    return _document(title, drawn, top + 12)


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_label: str,
    logarithmic: bool = False,
) -> str:
    """Draw lines through points; the horizontal axis may be logarithmic."""
    points = [point for line in series.values() for point in line]
    x_of = math.log10 if logarithmic else float
    least, most = min(x_of(x) for x, _ in points), max(x_of(x) for x, _ in points)
    highest = _rounded_up(max(y for _, y in points))
    left, right, top, bottom = 70, _WIDTH - 30, 48, 258

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x_of(x) - least) / ((most - least) or 1)
        return left + across * (right - left), bottom - y / highest * (bottom - top)

    drawn = [
        f'<path class="axis" fill="none" d="M{left} {top}V{bottom}H{right}"/>',
        _text(left - 6, top + 4, _number(highest), "end"),
        _text(left - 6, bottom + 4, "0", "end"),
        _text(left, bottom + 16, _number(min(x for x, _ in points)), "middle"),
        _text(right, bottom + 16, _number(max(x for x, _ in points)), "middle"),
        _text((left + right) / 2, bottom + 16, x_label, "middle"),
        _text(left, top - 8, y_label),
    ]
    colours = dict(zip(series, _COLOURS, strict=False))
    for name, line in series.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        drawn.append(f'<polyline class="line" stroke="{colours[name]}" points="{path}"/>')
    drawn += _legend(list(series), colours, bottom + 38)
    return _document(title, drawn, bottom + 38 + 18 * math.ceil(len(series) / _LEGEND_COLUMNS))


def _legend(names: Sequence[str], colours: Mapping[str, str], top: int) -> list[str]:
    drawn = []
    for index, name in enumerate(names):
        left, y = 20 + (index % _LEGEND_COLUMNS) * 230, top + 18 * (index // _LEGEND_COLUMNS)
        drawn.append(
            f'<rect x="{left}" y="{y - 9}" width="10" height="10" fill="{colours[name]}"/>'
        )
        drawn.append(_text(left + 15, y, name))
    return drawn


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _rounded_up(value: float) -> float:
    """Return the next number that reads well at the end of an axis."""
    if value <= 0:
        return 1
    ten = 10.0 ** math.floor(math.log10(value))
    return next(factor * ten for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if factor * ten >= value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"  # noqa: PLR2004


def _document(title: str, drawn: Sequence[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}">'
        f"<style>{_STYLE}</style>"
        f'<text class="title" x="20" y="20">{escape(title)}</text>{"".join(drawn)}</svg>\n'
    )
