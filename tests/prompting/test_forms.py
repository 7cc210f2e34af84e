import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.types import Label
from harness.prompting.forms import PLACEHOLDERS, ChatForm, PlainForm
from harness.prompts.schema import PromptDefinition
from harness.prompts.template import PromptTemplate, Shot

LABELS = (Label("a", "lost card"), Label("b", "top up"))


def turns(messages, content=str):
    """ChatML, each content as ``content`` gives it."""
    said = "".join(f"<{message.role}>\n{content(message.content)}</>\n" for message in messages)
    return said + ("<assistant>\n" if messages[-1].role == "user" else "")


def default_system(messages):
    has_its_own = messages[0].role == "system"
    return ("" if has_its_own else "<system>\nYou are helpful.</>\n") + turns(messages)


def trimmed(messages):
    return turns(messages, str.strip)


def no_system(messages):
    if messages[0].role == "system":
        raise UserError("only user and assistant, one after the other")
    return turns(messages)


def system_in_the_first(messages):
    system, *rest = messages if messages[0].role == "system" else [None, *messages]
    text = f"[sys]{system.content}[/sys]" if system else ""
    for message in rest:
        text += f" {message.content} </s>" if message.role == "assistant" else ""
        text += f"<s>[I] {message.content} [/I]" if message.role == "user" else ""
    return text


def system_in_the_last(messages):
    system = f"{messages[0].content}\n" if messages[0].role == "system" else ""
    said = turns([message for message in messages if message.role != "system"])
    before, role, last = said.rpartition("<user>\n")
    return before + role + system + last


def last_answer_thinks(messages):
    *before, last = messages
    thought = "<think></think>" if last.role == "assistant" else ""
    return turns([*before, last]).replace(last.content, thought + last.content)


def counted(messages):
    return f"{len(messages)} messages\n{turns(messages)}"


def shouted(messages):
    return turns(messages, str.upper)


CHATS = [turns, default_system, trimmed, system_in_the_first, system_in_the_last,
         last_answer_thinks, counted, shouted]  # fmt: skip


class Chat:
    """A model that writes conversations as it is told."""

    name = "fake"

    def __init__(self, write):
        self.write = write

    def chat_text(self, messages):
        return self.write(messages)


def template(**changes):
    content = {
        "description": "d",
        "kinds": ["single_label"],
        "instruction": "Say which.",
        "input": "Message: {{ text }}",
        "answer": "Intent: {{ label }}",
    }
    definition = PromptDefinition.model_validate(content | changes)
    return PromptTemplate(definition, name="mine", where=lambda field: field)


def shot(text, answer=None):
    return Shot({"text": text}, answer)


WORDS = [label.verbalizer for label in LABELS]
SHOTS = [shot("gone", WORDS[0]), shot("add money", WORDS[1])]


def pieces(write, shots=SHOTS, text="please help", **changes):
    form = ChatForm(template(**changes), LABELS, Chat(write))
    return form.after(shots)(shot(text)).pieces


def test_plain_pieces():
    form = PlainForm(template(system="Be brief."), LABELS)
    assert form.after(SHOTS)(shot("please help")).pieces == (
        "Be brief.\n\nSay which.\n\n",
        "Message: gone\nIntent: lost card\n\n",
        "Message: add money\nIntent: top up\n\n",
        "Message: please help\nIntent:",
    )
    bare = PlainForm(template(instruction=""), LABELS)
    assert bare.after([])(shot("please help")).pieces == ("Message: please help\nIntent:",)


def test_a_conversation():
    assert pieces(turns, system="Be brief.") == (
        "<system>\nBe brief.</>\n<user>\nSay which.\n\n",
        "Message: gone</>\n<assistant>\nIntent: lost card</>\n<user>\n",
        "Message: add money</>\n<assistant>\nIntent: top up</>\n<user>\n",
        "Message: please help</>\n<assistant>\nIntent:",
    )


def test_a_conversation_without_demonstrations():
    last = "Message: please help</>\n<assistant>\nIntent:"
    assert pieces(turns, []) == ("<user>\nSay which.\n\n", last)
    assert pieces(turns, [], instruction="") == ("<user>\n", last)
    system = {"instruction": "", "system": "Be brief."}
    assert pieces(turns, [], **system) == ("<system>\nBe brief.</>\n<user>\n", last)


def test_letters_in_a_conversation():
    letters = {"style": "letters", "instruction": "{{ label_list }}"}
    assert pieces(turns, [shot("add money", "B")], **letters) == (
        "<user>\nA. lost card\nB. top up\n\n",
        "Message: add money</>\n<assistant>\nIntent: B</>\n<user>\n",
        "Message: please help</>\n<assistant>\nIntent:",
    )


def test_no_cue():
    assert pieces(turns, SHOTS[:1], answer="{{ label }}")[1:] == (
        "Message: gone</>\n<assistant>\nlost card</>\n<user>\n",
        "Message: please help</>\n<assistant>\n",
    )


def test_a_chat_template_with_a_system_message_of_its_own():
    first = "<system>\nYou are helpful.</>\n<user>\nSay which.\n\n"
    assert pieces(default_system)[0] == first
    assert pieces(default_system, system="Be brief.") == pieces(turns, system="Be brief.")


def test_a_chat_template_that_trims():
    assert pieces(trimmed, text="please help  \n") == (
        "<user>\nSay which.\n\n",
        "Message: gone</>\n<assistant>\nIntent: lost card</>\n<user>\n",
        "Message: add money</>\n<assistant>\nIntent: top up</>\n<user>\n",
        "Message: please help</>\n<assistant>\nIntent:",
    )
    # What it trims is not shared by those it is trimmed for.
    bare = {"input": "{{ text }}", "answer": "{{ label }}"}
    assert pieces(trimmed, [], text="", **bare) == ("<user>\nSay which.</>\n<assistant>\n",)


def test_a_chat_template_that_writes_the_last_answer_in_another_way():
    assert pieces(last_answer_thinks) == pieces(turns)


def test_the_system_message_in_the_last_turn():
    assert pieces(system_in_the_last, system="Be brief.") == (
        "<user>\n",
        "Say which.\n\nMessage: gone</>\n<assistant>\nIntent: lost card</>\n<user>\n",
        "Message: add money</>\n<assistant>\nIntent: top up</>\n<user>\nBe brief.\n",
        "Message: please help</>\n<assistant>\nIntent:",
    )


def test_conversations_that_differ_from_the_beginning_are_shared_whole():
    assert pieces(counted) == (
        "5 messages\n" + "".join(pieces(turns)[:-1]),
        "Message: please help</>\n<assistant>\nIntent:",
    )


def test_a_chat_template_without_system_messages():
    assert pieces(no_system) == pieces(turns)
    with pytest.raises(UserError, match="the chat template of fake takes no system") as caught:
        pieces(no_system, system="Be brief.")
    assert "'mine': system" in str(caught.value)
    assert "put that text into `instruction`" in str(caught.value)


def test_another_refusal_is_said_as_it_is():
    def none(messages):
        raise UserError("fake has no chat template")

    with pytest.raises(UserError, match="fake has no chat template"):
        pieces(none, system="Be brief.")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", " ", "\n", "Message: ", "gone", "丢失 🙂", "<user>\n", *PLACEHOLDERS]
)


@given(
    write=st.sampled_from(CHATS),
    texts=st.lists(TEXTS, max_size=4),
    asked=st.lists(TEXTS, min_size=2, max_size=2),
    system=st.sampled_from(["", "Be brief."]),
    instruction=st.sampled_from(["", "Say which."]),
)
def test_joined_pieces_are_what_the_chat_template_gives(write, texts, asked, system, instruction):
    written = []

    def remember(messages):
        written.append(write(messages))
        return written[-1]

    prompt = template(system=system, instruction=instruction)
    shots = [shot(text, WORDS[place % 2]) for place, text in enumerate(texts)]
    render = ChatForm(prompt, LABELS, Chat(remember)).after(shots)
    for text in asked:
        rendered = render(shot(text))
        assert rendered.text == written[-1] + "Intent:"
        assert 1 <= len(rendered.pieces) <= len(shots) + 2
        assert all(rendered.pieces)
