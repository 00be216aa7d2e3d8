"""A runbook in three versions and a note with hidden characters, as passages over time."""

import polars as pl

from data_products.operations_knowledge.derive import derive
from data_products.registry import table
from semantic_layer.knowledge_rules import knowledge_rules


def test_a_passage_lives_as_long_as_its_text_and_comes_back_as_another(story, golden):
    sections = story("operations_knowledge/sections.csv", table("operations_documents"))
    made = derive(sections, knowledge_rules())
    told = made.rows.with_columns(pl.col("object_classes").list.join(" "))
    golden(told.drop("original_hash"), "operations_knowledge/passages.csv")
    assert made.left_out.is_empty()
