"""How much work a text is, who may share a parser, and what is left behind: linear, everybody, nothing."""

import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from threading import Barrier

import pytest
from plait import lexer
from plait.errors import ScriptError
from plait.lexer import SCLLexer, format_text, parse, scl_grammar, scl_lexer_example, scl_tokens

LINE = 'reader=csv(name=a path="b\\"c" limit=100 condition=(temp>-50 not=(x=[a 1 ${B}]))) # x\n'

GROWING = {
    "statements": LINE,
    "words without sense": "the quick brown fox ",
    "words on lines": "the quick\n",
    "unclosed groups of one level": "a=(b=1 c=",
    "characters that are none": "@ ",
    "open strings": '"a\n',
    "open strings with escapes": 'a="\\"\\"\\"\n',
    "open environment values": "${A:- ",
    "open lists": "a=[b c=d ",
    "parentheses in lists": "[(] ",
    "stray parentheses": ") ",
    "numbers that go on": "1.",
    "digits": "1234567890",
    "operators": "a==b ",
    "comments": "# x\n",
    "blank lines": "\n",
    "apostrophes": "'a ",
}


def calls_to_parse(text):
    """Count the calls of Python functions, which is what reading a text costs, whatever the machine."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        parse(text)
    except ScriptError:
        pass
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("kind", GROWING)
def test_twice_the_text_is_at_most_twice_the_work(kind):
    parse("a=1")
    once, twice = calls_to_parse(GROWING[kind] * 400), calls_to_parse(GROWING[kind] * 800)
    assert twice <= 2 * once + 100


def test_many_threads_share_one_parser_and_one_table():
    scl_grammar._built_parser.cache_clear()
    scl_grammar._built_table.cache_clear()
    scl_tokens.token_pattern.cache_clear()
    scl, barrier = SCLLexer(), Barrier(8)
    texts = [LINE * (10 + n) + f"last={n}" for n in range(8)]

    def work(n):
        barrier.wait()
        return [scl.parser.parse(texts[n]) for _ in range(3)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    assert results == [[parse(text)] * 3 for text in texts]
    assert scl_grammar._built_table.cache_info().misses == 1


def test_mistakes_of_one_thread_do_not_show_in_another():
    barrier = Barrier(4)

    def work(n):
        barrier.wait()
        with pytest.raises(ScriptError) as caught:
            parse("a=1\n" * n + "a=@\n" * (n + 1))
        return len(caught.value.mistakes)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [1, 2, 3, 4]


def test_no_file_is_written_or_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.open", None)
    before = set(Path(lexer.__file__).parent.iterdir())
    scl_grammar._built_parser.cache_clear()
    scl_grammar._built_table.cache_clear()
    scl_tokens.token_pattern.cache_clear()
    assert parse("a=1")
    assert set(Path(lexer.__file__).parent.iterdir()) == before
    assert list(tmp_path.iterdir()) == []


def test_the_example_prints_every_specimen():
    out = StringIO()
    scl_lexer_example.main(out)
    for specimen in scl_lexer_example.specimens():
        assert specimen in out.getvalue()
        assert parse(format_text(specimen)) == parse(specimen)


def test_the_specimens_use_every_sort_of_token():
    scl, used = SCLLexer(), set()
    for specimen in scl_lexer_example.specimens():
        scl.lexer.input(specimen)
        used |= {token.type for token in scl.lexer}
    assert used == set(scl_tokens.TOKENS)


def test_a_hundred_megabytes_are_parsed_to_the_mistake_at_their_end():
    count, size = 10_000, 500_000
    long = f'path="{"x" * size}" # {"x" * size}\n'
    with pytest.raises(ScriptError) as caught:
        parse(LINE * count + long * 100 + "a=(b=")
    assert [(m.line, m.column) for m in caught.value.mistakes] == [(count + 101, 3), (count + 101, 6)]
