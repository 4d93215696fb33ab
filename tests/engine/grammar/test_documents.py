"""What is drawn by chance from a schema's grammar is valid by another validator."""

import json
import random
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from random_schemas import SchemaMaker, random_text
from wgslm.errors import RequestError
from wgslm.grammar import Vocabulary, for_json, for_schema

SCHEMAS = 30  # of each seed
LONG = [pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 67)]  # 2,000 with these


@pytest.mark.parametrize("seed", [*range(4), *LONG])
def test_every_document_is_valid(small: Vocabulary, seed: int) -> None:
    maker, chance = SchemaMaker(seed), random.Random(seed)
    valid = 0
    for _ in range(SCHEMAS):
        schema = maker.document()
        try:
            grammar = for_schema(schema)
        except RequestError:
            continue
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for _ in range(2):
            text = random_text(grammar, small, chance)
            if text is not None:
                validator.validate(json.loads(text.decode()))
                valid += 1
    assert valid > SCHEMAS


def test_every_document_of_the_suites_schemas_is_valid(
    small: Vocabulary, reference_data: Path
) -> None:
    """Schemas of others; formats are only annotations in most of them."""
    chance, drawn = random.Random(4), 0
    folder = reference_data / "specs/json-schema/draft2020-12"
    for path in sorted(folder.rglob("*.json")):
        for group in json.loads(path.read_text()):
            if "\\\\p{" in json.dumps(group["schema"]) or "\\\\c" in json.dumps(group["schema"]):
                continue  # the validator's expressions are Python's
            try:
                grammar = for_schema(group["schema"])
            except RequestError:
                continue
            validator = Draft202012Validator(group["schema"])
            for _ in range(2):
                text = random_text(grammar, small, chance)
                if text is not None:
                    document = json.loads(text.decode())
                    assert validator.is_valid(document), (path.name, group["schema"], text)
                    drawn += 1
    print(f"{drawn} documents")
    assert drawn > 300


def test_every_json_document_is_an_object(small: Vocabulary) -> None:
    chance = random.Random(2)
    texts = [random_text(for_json(), small, chance) for _ in range(30)]

    documents = [json.loads(text.decode()) for text in texts if text is not None]
    assert len(documents) > 10 and all(isinstance(each, dict) for each in documents)
