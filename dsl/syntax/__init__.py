"""From text to syntax tree and back: the only room that knows Lark."""
