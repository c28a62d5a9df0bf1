"""Emoji as the networks see them: one picture, however many code points.

The sequences are those Unicode recommends for interchange (UTS #51), written as the rules that build them. A sequence
outside these rules counts picture by picture, which is never too little.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import regex

# ISO 3166 regions that have a flag, by first letter, with EU, UN and the few dependencies Unicode adds.
_FLAGS = (
    "A:CDEFGILMOQRSTUWXZ B:ABDEFGHIJLMNOQRSTVWYZ C:ACDFGHIKLMNOPQRUVWXYZ D:EGJKMOZ E:ACEGHRSTU F:IJKMOR "
    "G:ABDEFGHILMNPQRSTUWY H:KMNRTU I:CDELMNOQRST J:EMOP K:EGHIMNPRWYZ L:ABCIKRSTUVY M:ACDEFGHKLMNOPQRSTUVWXYZ "
    "N:ACEFGILOPRUZ O:M P:AEFGHKLMNRSTWY Q:A R:EOSUW S:ABCDEGHIJKLMNORSTVXYZ T:ACDFGHJKLMNORTVWZ U:AGMNSYZ "
    "V:ACEGINU W:FS X:K Y:ET Z:AMW"
)
_SUBDIVISIONS = ("gbeng", "gbsct", "gbwls")
# Objects that make a person a profession or give the hair, and animals and things with a sequence of their own.
_ROLES = "🌾🍳🍼🎄🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦼🦽🦰🦱🦲🦳🩰"
_PAIRS = (
    "🏳\ufe0f?\u200d🌈",
    "🏳\ufe0f?\u200d⚧\ufe0f?",
    "🏴\u200d☠\ufe0f?",
    "👁\ufe0f?\u200d🗨\ufe0f?",
    "🐕\u200d🦺",
    "🐈\u200d⬛",
    "🐦\u200d[⬛🔥]",
    "🐻\u200d❄\ufe0f?",
    "❤\ufe0f?\u200d[🔥🩹]",
    "😮\u200d💨",
    "😵\u200d💫",
    "😶\u200d🌫\ufe0f?",
    "🙂\u200d[↔↕]\ufe0f?",
    "🍋\u200d🟩",
    "🍄\u200d🟫",
    "⛓\ufe0f?\u200d💥",
)


@cache
def emoji_pattern() -> regex.Pattern[str]:
    """Return a compiled pattern that matches one emoji, longest form first."""
    import regex

    adult, tone, man_or_woman = "[👨👩🧑]", r"\p{Emoji_Modifier}?", "[♀♂]\ufe0f?"
    heading = "(?:\u200d➡\ufe0f?)?"
    sequences = [
        f"{adult}{tone}\u200d❤\ufe0f?\u200d(?:💋\u200d)?{adult}{tone}",
        f"{adult}{tone}\u200d[🤝🐰🫯]\u200d{adult}{tone}",
        "[👨👩](?:\u200d[👨👩])?\u200d[👦👧](?:\u200d[👦👧])?",
        "🧑(?:\u200d🧑)?\u200d🧒(?:\u200d🧒)?",
        f"{adult}{tone}\u200d(?:[⚕⚖✈]\ufe0f?|[{_ROLES}]{heading})",
        "🫱\\p{Emoji_Modifier}\u200d🫲\\p{Emoji_Modifier}",
        *_PAIRS,
        rf"\p{{Emoji_Modifier_Base}}(?:\p{{Emoji_Modifier}}|\ufe0f)?\u200d{man_or_woman}{heading}",
        f"[👯🤼🧞🧟]\u200d{man_or_woman}",
        f"🚶{tone}{heading}|🏃{tone}{heading}|🧎{tone}{heading}",
        *("🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f" for name in _SUBDIVISIONS),
        _flags(),
        "[#*0-9]\ufe0f?\u20e3",
        r"\p{Emoji_Modifier_Base}\p{Emoji_Modifier}",
        # Text by default, so only the variation selector makes these two a picture.
        "[©®]\ufe0f",
        r"[\p{Emoji}--[#*0-9©®]](?!\ufe0e)\ufe0f?",
    ]
    return regex.compile("|".join(sequences), regex.VERSION1)


def _flags() -> str:
    def indicator(letters: str) -> str:
        return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in letters)

    rows: Any = (row.split(":") for row in _FLAGS.split())
    return "|".join(f"{indicator(first)}[{indicator(second)}]" for first, second in rows)
