"""plait's parser: SCL text -> nodes that know their line and column, as pipelines are loaded from."""

from plait.lexer import parse_nodes
from text import race

if __name__ == "__main__":
    race(lambda text: parse_nodes(text, "pipeline.scl"))
