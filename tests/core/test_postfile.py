"""Post files: what they say, and where they are wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import jsonschema
import pytest
import yaml

from octopost_core import InvalidInput
from octopost_core.platforms import PLATFORMS
from octopost_core.postfile import MAX_BYTES, PostFileError, load_post_file, schema

FULL = """\
content: |
  Version 2 is out.
platforms: [twitter, bluesky, mastodon, tiktok]
scheduled_for: 2026-04-03T12:00:00+02:00
media:
  images:
    - url: https://example.org/cat.png
      alt_text: A cat.
  video: https://example.org/cat.mp4
segments:
  - content: More of it.
  - content: The end.
    media:
      images:
        - url: https://example.org/end.png
platform_options:
  tiktok:
    privacy_level: SELF_ONLY
    disable_duet: true
    tries: 3
overrides:
  mastodon: Version 2 is out, fediverse.
extra:
  poll: {options: ["yes", "no"]}
"""


def test_a_full_file_becomes_one_draft_for_each_distinct_text():
    drafts = load_post_file(FULL).drafts()

    assert [(draft.content, draft.platforms) for draft in drafts] == [
        ("Version 2 is out.\n", ["twitter", "bluesky", "tiktok"]),
        ("Version 2 is out, fediverse.", ["mastodon"]),
    ]
    shared, own = drafts
    assert shared.scheduled_for == own.scheduled_for == datetime(2026, 4, 3, 10, 0, tzinfo=UTC)
    assert [reply.content for reply in shared.segments] == ["More of it.", "The end."]
    assert shared.segments[1].media.images[0].url == "https://example.org/end.png"
    assert own.segments is None
    assert shared.media.images[0].alt_text == "A cat."
    assert own.media == shared.media
    assert shared.platform_options == {"tiktok": {"privacy_level": "SELF_ONLY", "disable_duet": True, "tries": 3}}
    assert own.platform_options == {}
    assert own.extra == {"poll": {"options": ["yes", "no"]}}


def test_a_file_is_read_from_its_path(tmp_path):
    path = tmp_path / "post.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + "content: Grüße\nplatforms: [bluesky]\n".encode())

    assert load_post_file(path).content == load_post_file(str(path)).content == "Grüße"


def test_networks_may_come_from_elsewhere():
    post = load_post_file("content: Hi\npreset: Launch\n")

    assert post.preset == "Launch"
    assert [draft.platforms for draft in post.drafts(["bluesky", "linkedin"])] == [["bluesky", "linkedin"]]
    with pytest.raises(InvalidInput, match="Look up the preset 'Launch'"):
        post.drafts()


def test_overrides_for_all_networks_need_no_content():
    post = load_post_file("platforms: [bluesky, linkedin]\noverrides: {bluesky: Short, linkedin: Long}\n")

    assert post.texts() == {"Short": ["bluesky"], "Long": ["linkedin"]}
    with pytest.raises(InvalidInput, match="there is no text for twitter"):
        load_post_file("overrides: {bluesky: Short}\n").drafts(["bluesky", "twitter"])


#: YAML, line, column, and a piece of the message, for files both the loader and the schema refuse.
WRONG = [
    ("contnet: Hi\n", 1, 1, "Did you mean content?"),
    ("- Hi\n", 1, 1, "the file is a list; expected a mapping"),
    ("content: 5\n", 1, 10, 'Put it in quotes: "5"'),
    ("content: yes\n", 1, 10, "content is true or false"),
    ("content: ''\n", 1, 10, "content is empty"),
    ("platforms: [bluesky]\n", 1, 1, "content is missing"),
    ("content: Hi\nplatforms: bluesky\n", 2, 12, "platforms is a text; expected a list"),
    ("content: Hi\nplatforms: []\n", 2, 12, "Name at least one network"),
    ("content: Hi\nplatforms:\n  - bluesky\n  - x\n", 4, 5, "Did you mean twitter?"),
    ("content: Hi\nplatforms: [bluesky, bluesky]\n", 2, 22, "bluesky is named twice"),
    ("content: Hi\nplatforms: [bluesky]\npreset: All\n", 3, 1, "platforms and preset are both given"),
    ("content: Hi\nscheduled_for: 2026-04-03T12:00:00\n", 2, 16, "has no time zone"),
    ("content: Hi\nscheduled_for: soon\n", 2, 16, "is not a time"),
    ("content: Hi\nmedia: {images: [https://e.org/a.png]}\n", 2, 18, "media.images[0] is a text; expected a mapping"),
    ("content: Hi\nmedia:\n  images:\n    - alt_text: Cat\n", 4, 7, "media.images[0] has no url"),
    ("content: Hi\nmedia: {video: ./cat.mp4}\n", 2, 16, "local files cannot be uploaded"),
    ("content: Hi\nmedia: {}\n", 2, 8, "media is empty"),
    ("content: Hi\nsegments: [Reply]\n", 2, 12, "segments[0] is a text; expected a mapping"),
    ("content: Hi\nsegments:\n  - media: {video: https://e.org/v.mp4}\n", 3, 5, "segments[0] has no content"),
    ("content: Hi\nsegments:\n" + "  - content: x\n" * 25, 27, 5, "holds 25 replies, a thread takes 24"),
    ("content: Hi\noverrides: {myspace: Hey}\n", 2, 13, "'myspace' is not a network"),
    ("content: Hi\noverrides: {bluesky: 1}\n", 2, 22, "overrides.bluesky is a number"),
    ("content: Hi\nplatform_options: {tiktok: fast}\n", 2, 28, "platform_options.tiktok is a text"),
    ("content: Hi\nextra: [1]\n", 2, 8, "extra is a list"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), WRONG)
def test_a_mistake_is_told_with_its_place(text, line, column, message):
    with pytest.raises(PostFileError, match=re.escape(message)) as caught:
        load_post_file(text)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"post file, line {line}, column {column}: ")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", [text for text, *_ in WRONG])
def test_the_schema_refuses_what_the_loader_refuses(text):
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(as_json(text))


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "content: Hi\n",
        "content: Hi\npreset: Launch\n",
        "overrides: {bluesky: Hi}\n",
        "content: Hi\nscheduled_for: 2026-04-03T12:00:00Z\n",
    ],
)
def test_the_schema_takes_what_the_loader_takes(text):
    load_post_file(text)
    validator().validate(as_json(text))


def test_the_schema_knows_the_networks_and_names_of_the_loader():
    assert schema()["$defs"]["platform"]["enum"] == list(PLATFORMS)
    for name in schema()["properties"]:
        with pytest.raises(PostFileError) as caught:
            load_post_file(f"content: Hi\n{name}: 5\n")
        assert "is not a name known" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("content: Hi\ncontent: Ho\n", "content is given twice"),
        ("content: Hi\nextra: {a: 1, a: 2}\n", "a is given twice"),
        ("content: !!python/object/apply:os.system [id]\n", "has the tag"),
        ("content: Hi\nextra: {a: !secret x}\n", "has the tag"),
        ("content: Hi\nextra: {a: !!binary aGk=}\n", "has the tag"),
        ("content: Hi\nextra: {a: .inf}\n", "is not a number JSON can hold"),
        ("content: [Hi\n", "is not valid YAML"),
        ("content: Hi\n---\ncontent: Ho\n", "is not valid YAML"),
        ("content: \x07\n", "is not valid YAML"),
        ("content: Hi\nextra: {? [a] : 1}\n", "a name in extra is a list"),
        ("content: Hi\nextra: " + "[" * 5000, "is nested too deeply"),
        ("content: Hi\nextra: {a: " + "[" * 30 + "]" * 30 + "}\n", "unfolds to too many values"),
        ("content: Hi\nextra: &a {b: *a}\n", "unfolds to too many values"),
        ("content: " + "x" * MAX_BYTES, "is larger than 256 KiB"),
    ],
)
def test_hostile_and_broken_files_are_refused_in_one_sentence(text, message):
    with pytest.raises(PostFileError, match=message) as caught:
        load_post_file(text)
    assert "\n" not in str(caught.value)


def test_aliases_that_unfold_without_end_are_refused():
    laughs = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    text = "content: Hi\nextra:\n" + "".join(f"  {line}\n" for line in laughs)

    with pytest.raises(PostFileError, match="unfolds to too many values"):
        load_post_file(text)


def test_a_modest_alias_is_fine():
    post = load_post_file("content: Hi\nextra: {a: &a {x: 1}, b: *a}\n")

    assert post.extra == {"a": {"x": 1}, "b": {"x": 1}}


def test_a_missing_or_binary_file_is_told(tmp_path):
    with pytest.raises(PostFileError, match=r"none\.yaml: cannot be read: No such file"):
        load_post_file(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"content: \xff\n")
    with pytest.raises(PostFileError, match="is not UTF-8"):
        load_post_file(tmp_path / "bad.yaml")


def validator():
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def as_json(text):
    """Read as an editor does: dates stay texts."""
    return json.loads(json.dumps(yaml.safe_load(text), default=lambda moment: moment.isoformat()))
