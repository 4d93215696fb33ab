"""The prompt format of a file that brings no chat template of its own."""

FROM_FILE = "from the file"
BUILT_IN = "ChatML (the file has no template)"

CHATML = """\
{%- for message in messages -%}
    {%- if message.tool_calls or tools -%}
        {{- raise_exception('the built-in ChatML format has no tools; this model file brings no'
            ' chat template that has them') -}}
    {%- endif -%}
    {{- '<|im_start|>' + message.role + '\\n' + (message.content or '') + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""
