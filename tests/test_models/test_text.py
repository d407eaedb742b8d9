"""Text models: what they find, what they leave open, and that batches and files change nothing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.text import store
from models.text.classify import Classifier, ClassifierSettings, train
from models.text.copies import Copied, Copies
from models.text.grams import Grams, Space
from models.text.lexicon import Lexicon, Mood, Urgency
from models.text.place import PlaceRules
from models.text.topics import DAY_MS, Topic, Topics, TopicSettings

FEW = settings(max_examples=25, deadline=None)
SUBJECTS = {
    "路": ("路灯坏了", "公交晚点", "红绿灯故障"),
    "校": ("学校收费", "老师补课", "食堂饭菜"),
    "医": ("医院挂号", "护士态度", "药费报销"),
}
PLACES = ("东门", "西湖", "北站", "南山", "中心", "河边")
TEXTS = [(a, f"{p}{a}请处理{n}") for n, p in enumerate(PLACES) for words in SUBJECTS.values() for a in words]
LABELS = [label for _ in PLACES for label, words in SUBJECTS.items() for _ in words]
LEXICON = Lexicon.of(
    {
        "kinds": {"life": ["着火", "火灾"], "urgent": ["火灾隐患"], "pressing": ["尽快"],
                  "good": ["满意", "感谢"], "bad": ["太差"]},
        "denials": ["没有", "不"], "fillers": ["发生", "任何"], "harmless": ["火灾演练"],
    }
)  # fmt: skip
RULES = PlaceRules.of(
    {
        "regions": ["市", "区", "街道"],
        "endings": ["小区", "路", "学院"],
        "cues": ["在", "投诉", "的", "和"],
        "never": ["本小区"],
        "names": ["和平"],
    }
)


@pytest.fixture(scope="module")
def model() -> Classifier:
    return train(TEXTS, LABELS, [(b, a) for a, b in TEXTS], [("路", "交通 道路"), ("无", "没有这一类")])


# -- grams


@FEW
@given(st.lists(st.text(max_size=20), max_size=6))
def test_a_text_has_the_same_grams_alone_and_in_a_batch(texts: list[str]) -> None:
    grams = Grams(bits=12)
    together = grams.counts(texts).toarray()
    assert all(np.array_equal(together[i], grams.counts([t]).toarray()[0]) for i, t in enumerate(texts))


def test_wide_and_narrow_upper_and_lower_are_one_form_and_punctuation_ends_a_gram() -> None:
    grams = Grams(2, 2, 12)
    assert np.array_equal(grams.counts(["ＡＢ１"]).toarray(), grams.counts(["ab1"]).toarray())
    assert grams.counts(["甲，乙。丙 丁"]).nnz == 0
    assert grams.counts(["甲乙，甲乙"]).sum() == 2


def test_a_space_needs_texts_and_a_text_without_known_grams_is_a_row_of_zeros() -> None:
    with pytest.raises(ValueError, match="got 0 texts"):
        Space.fit(Grams(bits=12), [])
    space = Space.fit(Grams(bits=12), ["甲乙", "甲丙", "甲丁", "戊"], least=1, most=1.0)
    assert space.rows(["xyz", ""]).nnz == 0


# -- classes


def test_a_class_is_learned_and_a_text_with_nothing_known_is_left_open(model: Classifier) -> None:
    verdicts = model.judge([("", "南门路灯坏了"), ("医院挂号", ""), ("", "zzz"), ("", "")])
    assert [model.classes[k] if k >= 0 else None for k in verdicts.number] == ["路", "医", None, None]
    assert np.isnan(verdicts.probability[2:]).all()
    assert not verdicts.sure[2:].any()


def test_judging_a_batch_is_judging_its_texts(model: Classifier) -> None:
    whole = model.judge(TEXTS[:7])
    apart = [model.judge([text]) for text in TEXTS[:7]]
    assert whole.margin.tolist() == [float(v.margin[0]) for v in apart]
    assert whole.sure.tolist() == [bool(v.sure[0]) for v in apart]
    assert len(model.judge([]).number) == 0


def test_too_little_to_learn_from_is_refused_with_what_is_missing() -> None:
    with pytest.raises(ValueError, match="at least two classes, got a"):
        train([("x", "y")] * 5, ["a"] * 5)
    with pytest.raises(ValueError, match="class b: expected at least 5 texts"):
        train([("x", "y")] * 8, ["a"] * 5 + ["b"] * 3)
    with pytest.raises(ValueError, match="expected 2, one for each text, got 1"):
        train([("x", "y")] * 2, ["a"])


def test_two_classes_are_enough_and_their_margin_is_a_lead() -> None:
    two = [k for k, label in enumerate(LABELS) if label != "医"]
    model = train([TEXTS[k] for k in two], [LABELS[k] for k in two], settings=ClassifierSettings(taught=0.0))
    verdicts = model.judge([("路灯坏了", "")])
    assert model.classes[verdicts.number[0]] == "路"
    assert verdicts.margin[0] > 0


def test_a_model_comes_back_from_its_file_as_it_was(model: Classifier, tmp_path: Path) -> None:
    store.save(model, tmp_path / "m.skops")
    again = store.load(tmp_path / "m.skops")
    assert again.classes == model.classes
    assert np.array_equal(again.judge(TEXTS).probability, model.judge(TEXTS).probability)


def test_a_file_that_is_no_model_is_refused_and_nothing_in_it_runs(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    with pytest.raises(FileNotFoundError, match="brain hotline train"):
        store.load(path)
    path.write_bytes(b"not a model")
    with pytest.raises(store.NotAModel, match="expected a model"):
        store.load(path)
    store.save(model, path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["schema.json"] = parts["schema.json"].replace(b'"LinearSVC"', b'"Popen"').replace(
        b'"sklearn.svm._classes"', b'"subprocess"'
    )  # fmt: skip
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(store.NotAModel, match=r"never has: .*Popen"):
        store.load(path)


def test_a_model_of_another_format_or_cut_together_by_hand_is_refused(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    store.skops.io.dump({"format": 99}, path)
    with pytest.raises(store.NotAModel, match="format 1, got 99"):
        store.load(path)
    cut = Space(model.space.grams, model.space.kept[:-1], model.space.idf[:-1])
    store.save(Classifier(model.settings, model.classes, cut, model.machine, model.calibration), path)
    with pytest.raises(store.NotAModel, match="do not fit each other"):
        store.load(path)


# -- words


def test_a_denied_danger_is_none_and_a_denial_elsewhere_denies_nothing() -> None:
    texts = ["没有发生任何火灾", "没有消防通道着火了", "火灾演练", "有火灾隐患", "请尽快", "你好", ""]
    assert Urgency(LEXICON).of(texts).tolist() == [0, 3, 0, 2, 1, 0, 0]


def test_mood_turns_with_a_denial_and_is_unknown_where_too_little_is_said() -> None:
    mood = Mood(LEXICON).of(["不满意，太差", "满意，感谢", "满意", "路灯坏了", ""])
    assert mood[:2].tolist() == [-1.0, 1.0]
    assert np.isnan(mood[2:]).all()


def test_a_wrong_word_list_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"lexicon\.life: expected a list of words"):
        Lexicon.of({"kinds": {"life": "着火"}})
    with pytest.raises(ValueError, match=r"place\.cues"):
        PlaceRules.of({"regions": ["市"], "endings": ["路"]})


# -- places


def test_where_and_what_are_told_apart() -> None:
    where = RULES.cut(["投诉甲市乙区丙丁路的路灯不亮", "本小区停水", "噪音"], ["", "", "我们在甲市和平小区三栋"])
    assert (where[0].regions, where[0].place, where[0].what) == (("甲市", "乙区"), "丙丁路", "投诉的路灯不亮")
    assert where[1].place == ""
    assert (where[2].regions, where[2].place, where[2].what) == (("甲市",), "和平小区三栋", "噪音")


@FEW
@given(st.lists(st.text("甲乙市区路小在的，。 12栋", max_size=30), max_size=4))
def test_any_text_is_cut_and_a_place_is_a_part_of_it(texts: list[str]) -> None:
    for text, where in zip(texts, RULES.cut(texts, [""] * len(texts)), strict=True):
        assert where.place in text
        assert all(region in text for region in where.regions)


# -- copies


LONG = "我们小区三栋楼下的餐馆每天晚上营业到两点，油烟和噪音让老人孩子无法入睡，请有关部门查处"


WEEK = np.array([7 * DAY_MS], np.int64)


class CopyRun:
    """Copies over a state of its own, texts at one time."""

    def __init__(self, copies: Copies) -> None:
        self.copies, self.seen = copies, 0
        self.band, self.group = np.zeros(copies.keep, copies.band), np.zeros(copies.keep, copies.group)

    def add(self, texts: list[str], callers: list[int], t: list[int] | None = None) -> Copied:
        times = np.array(t or [0] * len(texts), np.int64)
        who = np.array(callers, np.uint64)
        found = self.copies.find(self.band, self.group, self.seen, times, who, texts, WEEK)
        self.seen += len(texts)
        return found


def test_a_copy_is_found_counted_by_caller_and_another_wish_is_none() -> None:
    texts = [LONG, LONG + "！谢谢", "路灯坏了三个月没有人来修理，晚上走路看不见", LONG]
    found = CopyRun(Copies(keep=8)).add(texts, [1, 1, 2, 3])
    assert found.first.tolist() == [0, 0, 2, 0]
    assert found.size.tolist() == [1, 2, 1, 3]
    assert found.callers.tolist() == [1, 1, 1, 2]
    assert found.similarity[1] >= 0.7


def test_callers_are_counted_within_the_window_and_one_who_calls_again_counts_once() -> None:
    days = [0, 1, 9, 9]
    found = CopyRun(Copies(keep=8)).add([LONG] * 4, [1, 2, 1, 3], [day * DAY_MS for day in days])
    assert found.recent[:, 0].tolist() == [1, 2, 1, 2]
    assert found.callers.tolist() == [1, 2, 2, 3]


def test_copies_do_not_depend_on_batches_and_old_groups_give_way() -> None:
    texts, callers = [LONG, "短", "短", LONG, ""], [0, 0, 0, 0, 0]
    one, whole = CopyRun(Copies(keep=8)), CopyRun(Copies(keep=8))
    apart = [one.add([t], [c]) for t, c in zip(texts, callers, strict=True)]
    assert [int(a.first[0]) for a in apart] == whole.add(texts, callers).first.tolist() == [0, 1, 2, 0, 4]
    assert np.array_equal(one.group, whole.group)
    small = CopyRun(Copies(keep=1))
    assert small.add([LONG, "完全不同的另一段话说的是公交车晚点问题", LONG], [0, 0, 0]).first.tolist() == [0, 1, 2]


def test_long_texts_are_compared_by_a_sample_that_still_tells_copies_from_others() -> None:
    base = "".join(chr(0x4E00 + 37 * n % 5000) for n in range(600))
    near, far = base[:540] + LONG, base[:200] + base[200:][::-1]
    found = CopyRun(Copies(keep=8)).add([base, near, far], [1, 2, 3])
    assert found.first.tolist() == [0, 0, 2]
    assert abs(found.similarity[1] - 537 / (597 + len(set(LONG)))) < 0.1


# -- topics


def stream(days: list[tuple[int, str]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    t = np.array([day * DAY_MS for day, _ in days], np.int64)
    return t, np.arange(1, len(days) + 1).astype(np.uint64), [text for _, text in days]


NOISE = [
    (n, f"{chr(0x5000 + 7 * n)}{chr(0x5200 + 11 * n)}{chr(0x5400 + 13 * n)}{chr(0x5600 + 17 * n)}") for n in range(40)
]
RISE = [(40 + n // 4, f"甲乙花园锅炉房噪音{'很大' if n % 2 else '扰民'}") for n in range(12)]


class TopicRun:
    """Topics over a state of its own."""

    def __init__(self, settings: TopicSettings) -> None:
        self.topics, self.seen = Topics(settings), 0
        self.topic = np.zeros(settings.open, settings.state)
        self.df, self.place = (np.zeros(1 << settings.bits, np.int32), np.arange(1 << settings.bits, dtype=np.int32))

    def add(self, t: np.ndarray, who: np.ndarray, titles: list[str]) -> list[int]:
        blank = [""] * len(titles)
        heads = self.topics.heads(titles, blank, blank)
        out = self.topics.sort(heads, 0, len(titles), t, who, self.seen, self.place, self.df, self.topic)
        self.seen += len(titles)
        return out.id.tolist()

    def rank(self, now: int) -> list[Topic]:
        return self.topics.rank(self.topic, now)


def test_a_topic_that_many_speak_of_now_is_first_and_fades_when_they_stop() -> None:
    run = TopicRun(TopicSettings(open=64))
    t, who, titles = stream(NOISE + RISE)
    ids = run.add(t, who, titles)
    assert len(set(ids[40:])) == 1
    first = run.rank(int(t[-1]))[0]
    assert (first.id, first.texts, first.callers) == (40, 12, 12)
    assert run.rank(int(t[-1]) + 30 * DAY_MS)[0].score < first.score / 100


def test_one_caller_who_writes_often_is_no_rise() -> None:
    run = TopicRun(TopicSettings(open=64))
    t, who, titles = stream(NOISE + RISE)
    who[40:] = 99
    run.add(t, who, titles)
    assert run.rank(int(t[-1])) == []


def test_topics_do_not_depend_on_how_the_stream_is_cut() -> None:
    t, who, titles = stream(NOISE + RISE)
    whole, parts = TopicRun(TopicSettings(open=16)), TopicRun(TopicSettings(open=16))
    ids = whole.add(t, who, titles)
    cut = [parts.add(t[i : i + 5], who[i : i + 5], titles[i : i + 5]) for i in range(0, 52, 5)]
    assert [id_ for part in cut for id_ in part] == ids
    assert parts.rank(int(t[-1])) == whole.rank(int(t[-1]))
    assert np.array_equal(parts.topic, whole.topic)


def test_a_topic_with_more_callers_than_are_remembered_still_rises() -> None:
    t, who, titles = stream([(40, "甲乙花园锅炉房噪音扰民")] * 200)
    t += np.arange(200) * 1000
    few, many = TopicRun(TopicSettings(open=4, ring=16)), TopicRun(TopicSettings(open=4, ring=256))
    for run in (few, many):
        run.add(t, who, titles)
    assert few.rank(int(t[-1]))[0].score == pytest.approx(many.rank(int(t[-1]))[0].score, rel=0.05)


def test_what_always_comes_is_no_rise_and_more_of_it_is() -> None:
    t, who, titles = stream([(40, "甲乙花园锅炉房噪音扰民")] * 400)
    t += np.arange(400) * DAY_MS // 4  # four a day, for a hundred days
    run = TopicRun(TopicSettings(open=4))
    run.add(t, who, titles)
    assert run.rank(int(t[-1]))[0].score < 4
    more = t[-1] + np.arange(1, 61) * DAY_MS // 20  # twenty a day, for three
    run.add(more, 1000 + np.arange(60).astype(np.uint64), titles[:60])
    assert run.rank(int(more[-1]))[0].score > 20


def test_empty_texts_and_strange_characters_do_not_stop_the_stream() -> None:
    run = TopicRun(TopicSettings(open=8))
    odd = ["", " ", "\ud800", "🔥🔥", "a" * 5000]
    assert run.add(np.zeros(5, np.int64), np.zeros(5, np.uint64), odd)[0] == 0
    assert run.add(np.zeros(0, np.int64), np.zeros(0, np.uint64), []) == []
