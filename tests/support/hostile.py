"""Text of a stream that would be markup, script, or an end of either, if it were not kept as text."""

HOSTILE = (
    "</script><script>window.owned=1</script><!--<script>\u2028\u2029\u202e</style><img src=x onerror=window.owned=1>"
    "]]>&lt;\x00\x1b[2J\"'`${window.owned=1}"
)
