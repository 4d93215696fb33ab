"""The training pipeline on a toy scale: what is exported is what was trained."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the optional dependency group `train`")
pytest.importorskip("sentencepiece", reason="training needs the optional dependency group `train`")

import jinja2
import torch

from demo.train.conversation import END, TURN, assistant, user
from demo.train.dataset import Source, batches
from demo.train.export import export, read_parameters
from demo.train.model import Config, forward, initialise, rope_table
from demo.train.prepare import VOCABULARY, prepare
from demo.train.tokenizer import Vocabulary
from demo.train.training import (
    CHECKPOINT,
    LOG,
    Recipe,
    Snapshot,
    Trainer,
    averaged,
    load_snapshot,
)
from demo.train.twin import NumpyLlama
from demo.train.verify import verify

TALK = (user("What is 12 + 345?"), assistant("It is 357.\nDon't you agree?"))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.train([turn.text for turn in TALK] * 3, 290)


@pytest.fixture
def snapshot(vocabulary: Vocabulary) -> Snapshot:
    config = Config(vocabulary.size, dim=64, layers=2, heads=4, kv_heads=2, ff=96, context=1024)
    source = torch.Generator().manual_seed(5)
    # Not only zeros where training starts from zeros: each tensor has to matter.
    parameters = {
        name: value + 0.1 * torch.randn(value.shape, generator=source)
        for name, value in initialise(config, 3).items()
    }
    return Snapshot(config, 7, parameters)


@pytest.fixture
def source(vocabulary: Vocabulary) -> Source:
    talks = [(user(f"Say {n}"), assistant("so " * (n % 90) + "!")) for n in range(200)]
    return Source.of(map(vocabulary.encode_conversation, talks), 1024, {})


def test_numpy_reads_from_the_file_what_pytorch_computes(
    snapshot: Snapshot, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"

    export(snapshot, vocabulary, path)

    assert verify(snapshot, path) < 1e-5  # the table of rotations is f32


def test_training_goes_on_from_a_file(
    snapshot: Snapshot, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    export(snapshot, vocabulary, path)

    start = read_parameters(path, vocabulary)

    trainer = Trainer(snapshot.config, Recipe(1, {"a": 1.0}), tmp_path, start=start)
    assert set(trainer.parameters) == set(snapshot.parameters)
    for name, value in snapshot.parameters.items():
        most = float(value.abs().max()) / 200
        assert torch.allclose(trainer.parameters[name].detach(), value, atol=most)
    with pytest.raises(ValueError, match="another vocabulary"):
        read_parameters(path, Vocabulary.train(["other words than those"] * 3, 285))


def test_a_file_of_other_weights_is_refused(
    snapshot: Snapshot, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    export(snapshot, vocabulary, path)
    snapshot.parameters["blk.1.ffn_down.weight"] += 1

    with pytest.raises(ValueError, match=r"blk\.1\.ffn_down\.weight"):
        verify(snapshot, path)


def test_short_and_long_rows_attend_alike(snapshot: Snapshot) -> None:
    config = snapshot.config
    table = rope_table(config, torch.device("cpu"))
    ids = torch.arange(300)[None] % config.vocab

    with torch.no_grad():
        long = forward(config, snapshot.parameters, ids, table)[:, :200]
        short = forward(config, snapshot.parameters, ids[:, :200], table)

    assert torch.allclose(long, short, atol=1e-4)


def test_documents_that_share_a_row_do_not_see_each_other(
    snapshot: Snapshot, source: Source
) -> None:
    table = rope_table(snapshot.config, torch.device("cpu"))

    for batch in itertools.islice(batches({"a": source}, {"a": 1.0}, 1024, 4), 3):
        ids, documents = torch.from_numpy(batch.ids), torch.from_numpy(batch.documents)
        with torch.no_grad():
            together = forward(
                snapshot.config, snapshot.parameters, ids, table, documents=documents
            )
        second = documents[0] == 2
        with torch.no_grad():
            alone = forward(snapshot.config, snapshot.parameters, ids[:1, second], table)

        assert second.any() and (batch.documents[batch.weights > 0] > 0).all()
        assert torch.allclose(together[:1, second], alone, atol=1e-4)


def test_the_files_template_gives_the_ids_of_training(
    snapshot: Snapshot, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    export(snapshot, vocabulary, path)
    template = NumpyLlama(path).fields["tokenizer.chat_template"]
    messages = [{"role": turn.role, "content": turn.text} for turn in TALK]

    rendered = jinja2.Environment().from_string(str(template)).render(messages=messages)

    ids = vocabulary.encode_conversation(TALK).ids
    assert ids[1:] == vocabulary.encode_template(rendered)


def test_only_the_answers_words_and_their_end_have_full_weight(vocabulary: Vocabulary) -> None:
    document = vocabulary.encode_conversation(TALK)

    pairs = zip(document.ids, document.weights, strict=True)
    learnt = [id for id, weight in pairs if weight == 40]

    assert learnt == [*vocabulary.encode(TALK[1].text), vocabulary.special[END]]


def test_the_guides_first_ids_weigh_more(vocabulary: Vocabulary) -> None:
    plain = vocabulary.encode_conversation(TALK).weights
    weights = vocabulary.encode_conversation(TALK, is_guide=True).weights

    first = plain.index(40)
    assert weights[first : first + 4] == [250] * 4
    assert weights[:first] == plain[:first] and weights[first + 4 :] == plain[first + 4 :]


def test_where_an_answer_of_the_guide_starts_its_number_is_known(vocabulary: Vocabulary) -> None:
    talk = (user("Say it"), assistant("so be it", "guide.so"), user("Say"), assistant("be it"))
    document = vocabulary.encode_conversation(talk, is_guide=True)
    source = Source.of([document] * 9, 1024, {"guide.so": 7})

    batch = next(batches({"a": source}, {"a": 1.0}, 256, 1))

    at = batch.facts.nonzero()
    first = vocabulary.encode("so be it")[0]
    assert document.facts.count("guide.so") == 1
    assert len(at[0]) == batch.documents.max() > 1
    assert (batch.facts[at] == 7).all() and (batch.targets[at] == first).all()


def test_which_answer_comes_is_learnt_before_the_last_block(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    talks = [(user(f"{word} 12"), assistant("It is", word)) for word in ("so", "be", "it")] * 20
    encoded = [vocabulary.encode_conversation(talk, is_guide=True) for talk in talks]
    source = Source.of(encoded, 1024, {"so": 1, "be": 2, "it": 3})
    config = Config(vocabulary.size, dim=64, layers=2, heads=2, kv_heads=1, ff=96)
    recipe = Recipe(320, {"a": 1.0}, tokens=512, warmup=1, save_every=40, facts=3)

    Trainer(config, recipe, tmp_path).run({"a": source}, {"a": source})

    with (tmp_path / LOG).open() as file:
        naming = [float(row["naming"]) for row in csv.DictReader(file)]
    assert naming[0] > 0.5 and naming[-1] < 0.2


def test_special_spelling_in_a_message_stays_text(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode(f"so {END}{TURN} and <|endoftext|>")

    assert not set(ids) & set(vocabulary.special.values())
    assert vocabulary.processor.decode(ids) == f"so {END}{TURN} and <|endoftext|>"


def test_numbers_are_read_digit_by_digit(vocabulary: Vocabulary) -> None:
    pieces = vocabulary.processor.encode("12 345", out_type=str)

    assert "".join(pieces) == "12\u2581345"
    assert all(sum(map(str.isdigit, piece)) <= 1 for piece in pieces)


def test_rows_start_with_a_document_and_batches_repeat(
    source: Source, vocabulary: Vocabulary
) -> None:
    def first() -> list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
        stream = batches({"a": source}, {"a": 1.0}, 1024, 4)
        return [batch.ids for batch in itertools.islice(stream, 3)]

    ids = first()

    assert all((batch[:, 0] == vocabulary.special["<|endoftext|>"]).all() for batch in ids)
    assert all((one == other).all() for one, other in zip(ids, first(), strict=True))


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(
    snapshot: Snapshot, source: Source, tmp_path: Path
) -> None:
    recipe = Recipe(4, {"a": 1.0}, tokens=512, warmup=1, save_every=2, dropout=0.1)
    stopped = Recipe(2, {"a": 1.0}, tokens=512, warmup=1, save_every=2, dropout=0.1, decay=1e-9)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for folder, recipes in ((whole, [recipe]), (halves, [stopped, recipe])):
        folder.mkdir()
        for part in recipes:
            Trainer(snapshot.config, part, folder).run({"a": source}, {"a": source})

    one, other = (load_snapshot(folder / CHECKPOINT) for folder in (whole, halves))

    assert one.step == other.step == 4
    for name, value in one.parameters.items():
        assert torch.equal(value, other.parameters[name]), name


def test_an_average_has_the_shares_of_every_model() -> None:
    config = Config(300, dim=64, layers=1, heads=1, kv_heads=1, ff=64)
    first, second = (Snapshot(config, step, {"a": torch.tensor([1.0, step])}) for step in (2, 6))

    mixed = averaged([(0.75, first), (0.25, second)])

    assert mixed.parameters["a"].tolist() == [1.0, 3.0]
    with pytest.raises(ValueError, match=r"add up to 0\.9"):
        averaged([(0.75, first), (0.15, second)])


def test_words_taken_from_the_request_count_more(vocabulary: Vocabulary) -> None:
    talk = (user("About a café named Zuß, please"), assistant("A café, Zuß, please! Zußel"))

    plain = vocabulary.encode_conversation(talk)
    document = vocabulary.encode_conversation(talk, copies=True)

    heavier = [at for at, weight in enumerate(document.weights) if weight > plain.weights[at]]
    spelled = bytes(
        int(piece[1:-1], 16) if vocabulary.processor.is_byte(one) else ord(piece[-1])
        for one in (document.ids[at] for at in heavier)
        if (piece := vocabulary.processor.id_to_piece(one))
    )
    assert spelled.decode() == "caféZuß"


def test_a_source_that_is_there_is_not_made_again(
    tmp_path: Path, source: Source, vocabulary: Vocabulary
) -> None:
    vocabulary.save(tmp_path / VOCABULARY)
    for name in ("guide", "askings", "skills", "tales", "sgd", "tm4", "stories"):
        source.save(tmp_path / f"{name}.train.npz")
    before = sorted(tmp_path.iterdir())

    prepare(tmp_path / "no corpora", tmp_path, 290, seed=1)

    assert sorted(tmp_path.iterdir()) == before
    assert np.array_equal(Source.load(tmp_path / "guide.train.npz").ids, source.ids)
