"""plait's parser: SCL text -> the list of dicts of plait.lexer.parse."""

from plait.lexer import parse
from text import race

if __name__ == "__main__":
    race(lambda text: parse(text))
