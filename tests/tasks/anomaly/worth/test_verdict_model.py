"""The supervised stage: it learns from verdicts, says how sure and why, and is hard to fool."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.special import logit

from semantic_layer.detection import detection
from semantic_layer.errors import InputError
from semantic_layer.finding_worth import finding_worth
from tasks.anomaly.worth.finding_neighborhood import places_of
from tasks.anomaly.worth.findings_worth import WORTH, CalmScores, Reading, findings_worth
from tasks.anomaly.worth.verdict_model import effects, fitted_verdicts, probabilities, reasons
from tasks.anomaly.worth.verdict_trust import weighed_by_author
from tasks.stored_models import StoredModel, from_bytes, to_bytes

RULES, BEGINS = finding_worth(), detection()
START = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = (
    "peak_score",
    "worse_share",
    "baseline_peak",
    "alarms_same_cell",
    "alarms_same_site",
    "share_of_mobility",
    "noise",
)


def findings(count=400, seed=1, days=7):
    """Return features and the truth: at the same score, blame on mobility is mostly false."""
    random = np.random.default_rng(seed)
    score = 6 * np.exp(random.exponential(0.4, count))
    mobility = np.where(random.random(count) < 0.5, random.uniform(0.5, 1, count), 0.0)
    odds = 0.3 + 1.5 * np.log(score / 6) + 2.0 - 5.0 * mobility
    is_real = random.random(count) < 1 / (1 + np.exp(-odds))
    window = [START + timedelta(days=int(n * days / count)) for n in range(count)]
    frame = pl.DataFrame(
        {
            "anomaly_id": [f"{seed}-{n:04d}" for n in range(count)],
            "window_start": window,
            "cell_dn": [f"ManagedElement={n % 97},NRCellDU=0" for n in range(count)],
            "cell_profile": [("a", "b", None)[n % 3] for n in range(count)],
            "peak_score": score,
            "worse_share": np.ones(count),
            "baseline_peak": np.full(count, 7.0),
            "alarms_same_cell": np.full(count, np.nan),
            "alarms_same_site": np.full(count, np.nan),
            "share_of_mobility": mobility,
            "noise": random.normal(size=count),
        },
        schema_overrides={"window_start": pl.Datetime("us", "UTC")},
    )
    return frame, is_real


def verdicts(features, says, author=None, weight=1.0):
    told = features.select("anomaly_id").with_columns(
        is_real_probability=pl.Series(np.asarray(says, np.float64)), weight=pl.lit(weight)
    )
    return told if author is None else told.with_columns(author=pl.lit(author))


def fitted(features, told, seed=3):
    return fitted_verdicts(features, told, NAMES, BEGINS, RULES, seed)


@pytest.fixture(scope="module")
def learnt():
    features, is_real = findings()
    return features, is_real, fitted(features, verdicts(features, is_real))


def later():
    return findings(600, seed=9)


def ranking(model, features, is_real):
    """Return how often a real finding is held more probable than a false one."""
    told = probabilities(model, features)["probability"].to_numpy()
    return (told[is_real][:, None] > told[~is_real][None]).mean()


def kept(model, features, is_real):
    """Return the shares of real and of false findings that stay above the model's cut."""
    stays = probabilities(model, features)["probability"].to_numpy() >= model.settings["cut"]
    return stays[is_real].mean(), stays[~is_real].mean()


def test_verdicts_teach_what_the_score_does_not_know(learnt):
    features, is_real = later()
    prior = fitted(features.head(2), verdicts(features.head(2), [1, 0]))
    assert ranking(learnt[2], features, is_real) > ranking(prior, features, is_real) + 0.1
    real, false = kept(learnt[2], features, is_real)
    assert real > 0.87
    assert false < 0.75


def test_a_probability_is_how_often_such_findings_are_real(learnt):
    features, is_real = later()
    told = probabilities(learnt[2], features)["probability"].to_numpy()
    for low, high in ((0.0, 0.35), (0.35, 0.65), (0.65, 1.0)):
        mine = (told >= low) & (told < high)
        assert told[mine].mean() == pytest.approx(is_real[mine].mean(), abs=0.12)


def test_what_features_add_is_the_log_odds_whole(learnt):
    features, _ = later()
    told = effects(learnt[2], features)
    whole = told.base + told.effects.sum(axis=1)
    wanted = logit(probabilities(learnt[2], features)["probability"].to_numpy())
    assert whole == pytest.approx(wanted, abs=1e-4)


def test_reasons_name_what_moves_most_with_its_sign(learnt):
    features, _ = later()
    blamed = features.with_row_index().filter(pl.col("share_of_mobility") > 0.9)["index"][0]
    told = reasons(learnt[2], features, most=3)[int(blamed)]
    ordered = [abs(one["effect"]) for one in told]
    assert ordered == sorted(ordered, reverse=True)
    named = {one["feature"]: one for one in told}
    assert named["share_of_mobility"]["effect"] < 0
    assert named["share_of_mobility"]["value"] == pytest.approx(
        features["share_of_mobility"][int(blamed)]
    )


def test_a_higher_score_is_never_less_real(learnt):
    features, _ = later()
    one = features.head(1)
    rising = pl.concat([one] * 50).with_columns(peak_score=pl.Series(np.linspace(6, 60, 50)))
    told = probabilities(learnt[2], rising)["probability"].to_numpy()
    assert (np.diff(told) >= -1e-9).all()


def test_the_interval_narrows_with_verdicts():
    features, is_real = findings(1600, seed=5)
    asked, _ = later()

    def width(count):
        some = features.gather_every(1600 // count)
        model = fitted(some, verdicts(some, is_real[:: 1600 // count]))
        told = probabilities(model, asked)
        assert (told["probability_low"] <= told["probability"]).all()
        assert (told["probability"] <= told["probability_high"]).all()
        return (told["probability_high"] - told["probability_low"]).mean()

    assert width(1600) < width(100) < width(10)


def test_few_verdicts_or_of_one_kind_leave_the_prior():
    features, is_real = findings()
    few = fitted(features, verdicts(features.head(10), is_real[:10]))
    assert few.settings["prior_because"] == "too few verdicts"
    one_kind = fitted(features, verdicts(features, np.zeros(400)))
    assert one_kind.settings["prior_because"] == "verdicts of one kind only"
    for model in (few, one_kind):
        at_begin = features.with_columns(peak_score=detection().score_begins)
        told = probabilities(model, at_begin)["probability"]
        assert told.to_numpy() == pytest.approx(RULES.prior.at_begin)
        assert model.settings["cut"] == 0


def test_verdicts_by_the_toss_of_a_coin_leave_the_prior():
    features, _ = findings()
    random = np.random.default_rng(2)
    for _ in range(3):
        tossed = fitted(features, verdicts(features, random.random(400) < 0.5))
        if tossed.settings["prior_because"]:
            assert "contradict" in tossed.settings["prior_because"]
        else:
            assert tossed.settings["platt_slope"] < 0.6  # what is left of it is near even odds


@pytest.mark.parametrize("wrong", [0.1, 0.2])
def test_wrong_verdicts_cost_little(learnt, wrong):
    features, is_real, clean = learnt
    flipped = is_real ^ (np.random.default_rng(4).random(is_real.size) < wrong)
    model = fitted(features, verdicts(features, flipped))
    asked, truth = later()
    assert ranking(model, asked, truth) > ranking(clean, asked, truth) - 0.05
    assert kept(model, asked, truth)[0] > kept(clean, asked, truth)[0] - 0.05


def test_an_author_who_rejects_everything_is_found_out():
    features, is_real = findings()
    honest = verdicts(features[:280], is_real[:280], "honest")
    hostile = verdicts(features[280:], np.zeros(120), "hostile")
    together = pl.concat([honest, hostile])
    before = features.select("anomaly_id").with_columns(
        probability=1 / (1 + (6.0 / pl.Series(features["peak_score"])) ** 2)
    )
    weighed, authors = weighed_by_author(together, before, RULES.wrong_verdicts_share)
    trust = dict(authors.select("author", "trust").iter_rows())
    assert trust["hostile"] < 0.15
    assert trust["honest"] > 0.4
    of_hostile = weighed.join(features[280:], on="anomaly_id", how="semi")
    assert of_hostile["is_real_probability"].mean() > 0.3
    asked, truth = later()
    aware = fitted(features, together)
    clean = fitted(features[:280], verdicts(features[:280], is_real[:280]))
    assert kept(aware, asked, truth)[0] > kept(clean, asked, truth)[0] - 0.05
    assert ranking(aware, asked, truth) > ranking(clean, asked, truth) - 0.1


def test_authors_who_agree_are_believed_more_than_one_alone():
    features, is_real = findings(60)
    believed = features.select("anomaly_id").with_columns(probability=pl.lit(0.5))
    both = pl.concat([verdicts(features, is_real, name) for name in ("a", "b", "c")])
    weighed, _ = weighed_by_author(both, believed, 0.2)
    alone, _ = weighed_by_author(verdicts(features, is_real, "a"), believed, 0.2)
    sure = (weighed["is_real_probability"] - 0.5).abs().mean()
    assert sure >= (alone["is_real_probability"] - 0.5).abs().mean()
    assert weighed_by_author(both.clear(), believed, 0.2)[0].is_empty()


def test_the_same_verdicts_give_the_same_model_in_any_order_and_back_from_bytes():
    features, is_real = findings(200)
    told = verdicts(features, is_real)
    first = fitted(features, told)
    again = fitted(features.sample(fraction=1, shuffle=True, seed=1), told.reverse())
    assert first.digest == again.digest
    stored = from_bytes(to_bytes(first), first.digest)
    assert probabilities(stored, features).equals(probabilities(first, features))
    assert fitted(features, told, seed=4).digest != first.digest


def test_a_profile_whose_findings_are_mostly_false_is_held_less_probable():
    features, _ = findings(600)
    is_noisy = (features["cell_profile"] == "a").fill_null(value=False).to_numpy()
    says = np.random.default_rng(1).random(600) < np.where(is_noisy, 0.15, 0.85)
    model = fitted(features, verdicts(features, says))
    same = features.head(1)
    asked = pl.concat([same, same, same]).with_columns(cell_profile=pl.Series(["a", "b", "new"]))
    noisy, quiet, new = probabilities(model, asked)["probability"]
    assert noisy < new < quiet


def test_a_finding_is_learnt_as_it_was_when_the_verdict_was_given():
    features, is_real = findings(200)
    day = timedelta(days=1)
    told = verdicts(features, is_real).with_columns(
        last_given_at=features["window_start"] + timedelta(hours=12)
    )
    grown = features.with_columns(pl.col("window_start") + day, peak_score=99.0)
    asked, _ = later()

    def of(rows, given):
        return probabilities(fitted(rows, given), asked)

    wanted = of(features, told)
    assert of(pl.concat([features, grown]), told).equals(wanted)
    aware = told.with_columns(pl.col("last_given_at") + day)
    assert not of(pl.concat([features, grown]), aware).equals(wanted)


def test_a_model_of_another_family_or_catalogue_is_refused(learnt):
    features, _, model = learnt
    with pytest.raises(InputError, match="family 'pca' was given to 'verdicts'"):
        probabilities(StoredModel("pca", NAMES), features)
    with pytest.raises(InputError, match=r"lack 1 features .* such as 'noise'"):
        probabilities(model, features.drop("noise"))


def test_worth_says_everything_of_every_finding_in_order(learnt):
    features, _, model = learnt
    some = features.head(40)
    found = some.select("anomaly_id", "window_start", "cell_dn", "peak_score").with_columns(
        window_end=pl.col("window_start") + timedelta(days=1),
        anomaly_start=pl.col("window_start"),
        severity=pl.lit("MINOR"),
    )
    levels = {"all": np.concatenate([[1e6, 0.001, 4.0, 0.5, 0.1], np.linspace(-2, 4, 65)])}
    calm = CalmScores(levels, periods=96, judged_cells=345)
    reading = Reading(places_of(found["cell_dn"]), findings_a_day=10)
    told = findings_worth(found, some, ("worth 3", model), calm, reading, RULES)
    assert told.schema == pl.Schema(WORTH)
    assert told["anomaly_id"].to_list() == found["anomaly_id"].to_list()
    assert told["is_within_budget"].sum() == 10
    by_score = told.with_columns(found["peak_score"]).sort("peak_score")
    assert by_score["chance_probability"].is_sorted(descending=True)
    assert by_score["is_discovery"].is_sorted()
    silent = findings_worth(found, some, ("worth 3", model), None, reading, RULES)
    assert silent["chance_probability"].null_count() == 40
    with pytest.raises(InputError, match="do not belong to these 39"):
        findings_worth(found.head(39), some, ("worth 3", model), None, reading, RULES)
