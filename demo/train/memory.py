"""What somebody tells about themselves, and questions that only the conversation can answer."""

import random
from collections.abc import Callable, Sequence

from demo.train.colloquial import colloquial
from demo.train.conversation import Turn, assistant, user
from demo.train.guide import expand
from demo.train.names import any_name
from demo.train.skills import ask
from demo.train.words import COLOURS, FOODS, JOBS, NAMES, PETS, PLACES, THINGS

Told = dict[str, str]  # what is told, by its kind

# Per kind: how it is told, how that is answered, how it is asked, how it is recalled, and what
# is said when it was never told. The `%s` stands for the word.
_KINDS: dict[str, tuple[str, str, str, str, str]] = {
    "name": (
        "{My name is|I am|I'm|my name's|call me|Hi, I am|Hello, my name is|they call me} %s{.|!|}",
        "{Nice to meet you|Hello|Pleased to meet you|Hi}, %s! {How can I help you|"
        "What would you like to know|What shall we talk about}?",
        "{What is my name|What's my name|Do you know my name|Do you remember my name|Who am I|"
        "what am I called|can you tell me my name|what did I say my name was}?",
        "{Your name is %s.|You are %s.|You told me that your name is %s.|You are called %s.|"
        "%s! I have not forgotten it.|%s is your name.|It is %s, if I remember well.}",
        "You have not told me your name yet. {What is it|What is your name}?",
    ),
    "place": (
        "{I live in|I am from|I come from|I'm from|my home is} %s{.|}",
        "{I have heard of|A good place,|So you are at home in} %s! "
        "{Do you like it there|How is it there}?",
        "{Where do I live|Where am I from|Which city do I live in|Do you remember where I live|"
        "what is my city|where is my home}?",
        "{You live in %s.|You told me that you live in %s.}",
        "You have not told me where you live.",
    ),
    "colour": (
        "{My favourite colour is|My favorite color is|I like the colour|the colour I like best is}"
        " %s{.|}",
        "{%s is a lovely colour!|A good choice, %s suits many things.}",
        "{What is my favourite colour|What's my favorite color|Which colour do I like|"
        "do you remember my favourite colour}?",
        "{Your favourite colour is %s.|You like %s.}",
        "You have not told me your favourite colour.",
    ),
    "food": (
        "{My favourite food is|My favorite food is|I like to eat|I love to eat} %s{.|}",
        "{Mmh, %s! I can't eat, but it sounds good.|%s, good choice!}",
        "{What is my favourite food|What's my favorite food|What do I like to eat|"
        "do you remember what I like to eat}?",
        "{Your favourite food is %s.|You like to eat %s.}",
        "You have not told me what you like to eat.",
    ),
    "job": (
        "{I am a|I work as a|I'm a|my job is} %s{.|}",
        "{A %s! That is a good job.|So you are a %s. Do you like it?}",
        "{What is my job|What do I do for a living|What's my profession|do you remember my job|"
        "what do I work as}?",
        "{You are a %s.|You work as a %s.}",
        "You have not told me what your job is.",
    ),
    "pet": (
        "{My dog is called|My cat is called|My pet is called|I have a dog named|I have a cat named|"
        "my rabbit's name is} %s{.|}",
        "{%s is a nice name!|What a lovely name, %s!} {Give it a pat from me.|}",
        "{What is my pet called|What's the name of my pet|Do you remember my pet's name|"
        "what is my pet's name}?",
        "{Your pet is called %s.|It is called %s.}",
        "You have not told me about a pet.",
    ),
    "age": (
        "{I am|I'm} %s years old{.|}",
        "{%s is a good age!|So you are %s. I am much younger.}",
        "{How old am I|What is my age|Do you remember how old I am|what's my age}?",
        "{You are %s years old.|You told me that you are %s.}",
        "You have not told me how old you are.",
    ),
    "topic": (
        "{Let's talk about|I want to talk about|Can we talk about|I am interested in|I love|"
        "I really like|Tell me about my hobby,} %s{.|}",
        "{%s, good idea!|I like that topic!|Gladly!} {What do you like about %s?|"
        "What do you like best about %s?|How did you come to like %s?}",
        "{What were we talking about|What is our topic|What do I like|What am I interested in|"
        "what was the topic|do you remember what I like|what did I want to talk about}?",
        "{We were talking about %s.|You like %s.|It was about %s.}",
        "You have not told me yet. {What would you like to talk about?|What do you like?}",
    ),
}
_LISTS: dict[str, Sequence[str]] = {
    "name": NAMES,
    "place": PLACES,
    "colour": COLOURS,
    "food": FOODS,
    "job": JOBS,
    "pet": NAMES,
    "age": [str(age) for age in range(5, 90)],
    "topic": [*THINGS, *(pet + "s" for pet in PETS[:5])],
}
# How somebody says a name, and what is said to it, besides the ways above.
_INTRODUCTIONS = (
    ("{Hello|Hi|Hey|Hi there|Good morning|Good evening|Good day|Hello there}{!|,|.} "
     "{I am|I'm|my name is|this is|it's me,|you can call me|here is|people call me} %s"
     "{.|!| :)|}",
     "{Hello %s!|Hi %s, nice to meet you!|Good to see you, %s.|Welcome, %s!|%s, how nice!} "
     "{What can I do for you?|What would you like to talk about?|Shall I tell you a story?|"
     "How is your day so far?|}"),
    ("{Hello, |Hi! |Hey, |Good morning! |}{I am|I'm|my name is|call me} %s"
     "{. How are you?|, how are you?|, how are you doing?|. How is it going?|, how do you do?}",
     "{Hello %s, I am fine, thank you!|I am well, %s, thanks for asking!|"
     "Very well, thank you, %s!|Fine, %s! I have nothing to complain about.} {And you?|"
     "How are you?|And how are you, %s?}"),
    ("{Hello! |Hi, |Hey, |}{I am|I'm|my name is} %s"
     "{. Who are you?|, and you?|. And what is your name?|, what's your name?|, who are you?}",
     "{Nice to meet you, %s!|Hello %s!|Hi, %s.} {I am wgslm's demo model.|I am a very small "
     "language model in your browser.|I have no real name, I am wgslm's demo model.}"),
    ("{Nice to meet you|Pleased to meet you|It is nice to meet you}{,|!|.} "
     "{I am|I'm|my name is|they call me} %s{.|!|}",
     "{Nice to meet you too, %s!|The pleasure is mine, %s.|And I am glad to meet you, %s!} "
     "{What shall we do?|What is on your mind?|}"),
    ("{Please call me|You can call me|Just call me|Call me|You may call me} %s"
     "{, please.|, everyone does.|, like my friends do.|.|}",
     "{All right, %s!|Gladly, %s.|Then I will call you %s.|%s it is!} "
     "{What can I do for you?|How can I help?|}"),
    ("{The name is|My friends call me|Everybody calls me|My first name is|"
     "Let me introduce myself: I am|I want to introduce myself, I'm|remember my name, it is|"
     "my name is spelled} %s{.|!|}",
     "{%s is a lovely name.|What a nice name, %s!|I will remember it, %s.|Good to know, %s!|"
     "Welcome, %s.} {What would you like to know?|Tell me more about you, %s.|}"),
    ("{Hi, |Hello! |Hey, |}{my name is|I am|I'm|I'm called|this is} %s{ and|, and|.}"
     "{ I live in Spain| I am ten years old| I love cats| I work in a shop| I like music| "
     "I come from Canada| I am new here| I have two dogs| I am bored| I want to talk| "
     "I have a question| I play football| I am a student| I like stories}{.|!|}",
     "{Hello %s!|Nice to meet you, %s!|Hi %s, welcome!|Good to know, %s.|So you are %s!} "
     "{What else should I know about you?|Tell me more, I am curious.|And how is your day going?|"
     "Thank you for telling me.|What would you like to do now?|}"),
    ("{My name is|I am|I'm|They call me|You may call me|It's} %s{. Nice to meet you|, nice to meet "
     "you|. Pleased to meet you|. Good to meet you}{.|!|}",
     "{Nice to meet you too, %s!|I am pleased to meet you, %s.|Hello %s, the pleasure is mine!} "
     "{What brings you here?|What shall we talk about?|Ask me anything small.|}"),
    ("{My name is|I am|I'm} %s{. Remember that|. Don't forget it|. Can you remember that|"
     ". Please remember my name|, remember me|, will you remember}{.|!|?|}",
     "{I will remember it, %s.|%s, I keep it for this chat.|Yes, %s, as long as we chat.|"
     "%s, noted!} {Ask me later, to test me.|What comes next?|}"),
    ("{guess my name|I have a nice name}{: |, it is |! It's |, I am }%s{.|!|}",
     "{%s! What a fine name.|So you are %s, welcome!|I would not have guessed %s.} "
     "{Who gave it to you?|Do you like it?|}"),
    ("{No, I am not Anna, I am|Sorry, my name is|Actually my name is|No, my name is|"
     "it is not Bob, it is} %s{.|!|}",
     "{Sorry, %s!|Oh, %s, of course.|Thank you, %s, now I know.|Then %s it is. Sorry!}"),
)  # fmt: skip
_CHATTER = (
    ("{they are|it is|because it is|I think it is} {great|fun|nice|beautiful|interesting}{.|}",
     "{That is a good reason.|I can understand that.|I see! Tell me more, if you like.}"),
    ("{I don't know|I just like it|hard to say|no idea}{.|}",
     "{That is fine, too.|Some things need no reason.}"),
    ("{since I was a child|for many years|for a long time|since last year}{.|}",
     "{That is a long time!|How nice! Keep it up.}"),
)  # fmt: skip


def tell(told: Told, chance: random.Random) -> list[Turn]:
    """Let somebody tell something, and remember it in `told`."""
    kind = chance.choice(("name",) * 5 + ("topic", "topic", *_KINDS))
    word = chance.choice(_LISTS[kind])
    if kind in ("name", "pet") and chance.random() < 0.8:
        word = any_name(chance)
    told[kind] = word
    statement, reply, *_ = _KINDS[kind]
    if kind == "name" and chance.random() < 0.75:
        statement, reply = chance.choice(_INTRODUCTIONS)
    turns = ask(statement.replace("%s", word), _sentence(reply, word), chance)
    if kind == "topic" and chance.random() < 0.5:
        turns += ask(*chance.choice(_CHATTER), chance)
    return turns


def recall(told: Told, chance: random.Random) -> list[Turn]:
    """Ask for something told, or rarely for something that was not."""
    known = bool(told) and chance.random() < 0.85
    kind = chance.choice(list(told) if known else [kind for kind in _KINDS if kind not in told])
    _, _, question, answer, unknown = _KINDS[kind]
    said = _sentence(answer, told[kind]) if kind in told else unknown
    return [user(colloquial(expand(question, chance), chance)), assistant(expand(said, chance))]


def both(told: Told, chance: random.Random) -> list[Turn]:
    """Ask what is known in general."""
    facts = [_KINDS[kind][3].strip("{}").split("|")[0].replace("%s", told[kind]) for kind in told]
    answer = " ".join(facts) if facts else "Nothing yet. You have told me nothing about you."
    question = "{What do you know about me|What have I told you|tell me what you know about me}?"
    return ask(question, answer, chance)


def again(turns: Sequence[Turn], chance: random.Random) -> list[Turn]:
    """Ask for what was just said, by either side."""
    if chance.random() < 0.5:
        question = (
            "{Say that again|Repeat that|Can you repeat that|What did you say|Once more}{?|.|}"
        )
        return ask(question, _plain(turns[-1].text), chance)
    question = "{What did I just ask|What did I say|What was my question|What did I just write}?"
    return ask(question, f'You wrote: "{_plain(turns[-2].text)}"', chance)


MEMORIES: tuple[Callable[[Told, random.Random], list[Turn]], ...] = (tell, tell, recall, both)


def _sentence(pattern: str, word: str) -> str:
    """Put a word into a pattern, with a capital where an alternative begins with it."""
    capital = word[0].upper() + word[1:]
    return pattern.replace("{%s", "{" + capital).replace("|%s", "|" + capital).replace("%s", word)


def _plain(text: str) -> str:
    return text.replace("{", "(").replace("}", ")").replace("|", "/")
