"""A patient's whole way, in any order of steps: what they would notice if it went wrong never happens."""

from __future__ import annotations

from collections import deque
from typing import Any

from builders import as_form
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from web.client import Browser, Page
from web.conftest import Made
from web.stateful import run_steps
from web.test_inputs import ALL_ASKED
from web.test_saving import code_on, come_back
from web.walking import (
    BORN,
    Walk,
    begin,
    contact_but,
    count_rows,
    document_of,
    plant,
    reference_on,
    token_of,
    walk_of,
)

from screener.domain.answers import Answers, read_answers
from screener.domain.question import NONE_CODE, Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import screen
from screener.domain.transcript import transcript
from screener.domain.urgency import Level
from screener.store.tables import Consultation

# A release run takes more: STEPS=20000 pytest tests/web/test_patient_journeys.py
STEPS = 60
SLUGS = [page.slug for page in QUESTIONNAIRE.pages if page.shown]
LANGUAGES = ("en", "es")
THEMES = ("light", "dim", "dark")
Sent = dict[str, list[str]]


def sayings(question: Question) -> st.SearchStrategy[list[str]]:
    """What a person may answer, as their browser sends it."""
    unsure = ["unsure"] if question.unsure_allowed else []
    match question:
        case Text():
            return st.text("ab \u00e9\u05d0'<", max_size=20).map(lambda words: [" ".join(words.split())])
        case YesNo():
            return st.sampled_from([[each] for each in ["yes", "no", *unsure]])
        case Number():
            number = st.integers(question.minimum, question.maximum).map(lambda n: [str(n)])
            return number | st.just(unsure) if unsure else number
        case Choices():
            alone = [[each] for each in question.codes if each == NONE_CODE] + [[each] for each in unsure]
            others = st.lists(
                st.sampled_from([each for each in question.codes if each != NONE_CODE]),
                min_size=1,
                unique=True,
            )
            # Mostly none of these: else nearly every way ends at the first page.
            return st.sampled_from(alone) | st.sampled_from(alone) | others if alone else others
        case _:
            return st.sampled_from([[each] for each in [*question.codes, *unsure]])


class Journey(RuleBasedStateMachine):
    """`said` is what the patient remembers to have answered last, as their browser sent it."""

    made: Made

    def __init__(self) -> None:
        super().__init__()
        self.copy = self.made.copy()
        self.app = self.copy.__enter__().app
        self.browser = Browser(self.app)
        self.walk: Walk | None = begin(self.browser)
        self.said: Sent = {}
        self.look = {"language": "en", "theme": ""}
        self.receipts: dict[str, str] = {}
        self.withdrawn: set[str] = set()
        self.old_links: list[str] = []
        self.places = deque(["result", "contact", "save", "symptoms", "health", "background"])

    def teardown(self) -> None:
        self.copy.__exit__(None, None, None)

    # ------------------------------------------------------------ steps

    def is_on_the_way(self) -> bool:
        return self.walk is not None

    @initialize(far_along=st.sampled_from([True, True, False]))
    def has_answered_nearly_all(self, far_along: bool) -> None:
        """Far along at once, or few journeys would come to the end."""
        if far_along:
            self.walk = plant(self.browser, self.app, ALL_ASKED)
            self.said = {name: as_form(value) for name, value in ALL_ASKED.items()}

    @precondition(is_on_the_way)
    @rule(data=st.data())
    def answers_what_comes_next(self, data: st.DataObject) -> None:
        self._answer(self._way_forward(), data)

    @precondition(is_on_the_way)
    @rule(data=st.data(), slug=st.sampled_from(SLUGS))
    def goes_back_and_changes(self, data: st.DataObject, slug: str) -> None:
        self._answer(self._walk.get(slug), data)

    @precondition(is_on_the_way)
    @rule(slug=st.sampled_from([*SLUGS, "check", "result", "contact", "save"]))
    def looks_at_a_page(self, slug: str) -> None:
        assert self.browser.follow(self._walk.get(slug)).status == 200

    @precondition(is_on_the_way)
    @rule(slug=st.sampled_from(SLUGS))
    def sends_a_page_as_it_stands(self, slug: str) -> None:
        """Nothing changes by it."""
        page = self._walk.get(slug)
        if page.status == 200 and "seen" in page.form:
            before = document_of(self.app, self._walk)["answers"]
            answer = self.browser.submit(page)
            assert answer.status in {303, 422}
            assert self._walk.get(slug).form == page.form or answer.status == 303
            assert document_of(self.app, self._walk)["answers"] == before

    @precondition(is_on_the_way)
    @rule(way=st.sampled_from(["by_mistake", "not_now"]))
    def leaves_the_stop_page(self, way: str) -> None:
        page = self._walk.get("stop")
        if page.status != 200 or f'value="{way}"' not in page.source:
            return
        self.browser.post(page.path, token_of(page) | {"answer": way})
        if way == "not_now":
            now = [code for code in self.said["danger_now"] if code != NONE_CODE]
            before = [code for code in self.said.get("danger_before", []) if code not in now]
            self.said |= {"danger_before": [*before, *now], "danger_now": [NONE_CODE]}

    @precondition(is_on_the_way)
    @rule(
        slug=st.sampled_from([*SLUGS, "check", "result", "contact"]),
        chosen=st.sampled_from(
            [*(("language", each) for each in LANGUAGES), *(("theme", each) for each in THEMES)]
        ),
    )
    def chooses_another_look(self, slug: str, chosen: tuple[str, str]) -> None:
        """On whatever page; what stands there comes along."""
        page = self.browser.follow(self._walk.get(slug))
        place, form = look_form(page)
        shown = self.browser.post(place, form | dict([chosen]))
        assert shown.status in {200, 303}
        self.look |= dict([chosen])

    @precondition(is_on_the_way)
    @rule()
    def saves_and_comes_back_on_another_device(self) -> None:
        page = self.browser.follow(self._walk.get("save"))
        if "birth_year" not in page.asked:
            return
        sent = self.browser.submit(page, birth_year=str(BORN), way="code")
        if sent.status == 422:
            return
        code = code_on(self.browser.follow(sent))
        device = Browser(self.app)
        wrong = come_back(device, "/c/acme/resume", code=code, birth_year=str(BORN - 1))
        assert wrong.status == 422, "another's year of birth opens nothing"
        back = come_back(device, "/c/acme/resume", code=code)
        self.old_links.append(self._walk.token)
        self.browser, self.walk = device, walk_of(back, device)

    @precondition(is_on_the_way)
    @rule(times=st.integers(1, 3))
    def sends_the_request(self, times: int) -> None:
        page = self._walk.get("contact")
        if page.status != 200:
            return
        form = token_of(page) | {name: as_form(value) for name, value in contact_but().items()}
        answers = [self.browser.post(page.path, form) for _ in range(times)]
        if answers[0].status == 422:
            return
        # The brightness was kept in the draft, which the first of them ended.
        assert len({answer.location.split("?")[0] for answer in answers}) == 1, "pressed often, sent once"
        receipts = [self.browser.follow(answer) for answer in answers]
        assert {each.tree.get("lang") for each in receipts} == {self.look["language"]}
        self.receipts[answers[0].location.split("?")[0]] = reference_on(receipts[0])
        self.old_links.append(self._walk.token)
        self.walk = None

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def withdraws(self, data: st.DataObject) -> None:
        receipt = data.draw(st.sampled_from(sorted(self.receipts)))
        page = self.browser.get(f"{receipt}/withdraw")
        if page.status == 200 and receipt not in self.withdrawn:
            self.browser.post(page.path, token_of(page))
            self.withdrawn.add(receipt)

    @precondition(lambda self: self.walk is None)
    @rule()
    def begins_anew(self) -> None:
        self.walk, self.said, self.look = begin(self.browser), {}, {"language": "en", "theme": ""}

    # ------------------------------------------------------------ how it is answered

    @property
    def _walk(self) -> Walk:
        assert self.walk is not None
        return self.walk

    def _way_forward(self) -> Page:
        return self.browser.follow(self._walk.get("check"))

    def _answer(self, page: Page, data: st.DataObject) -> None:
        """Whatever the page asks, by something that it may be answered by."""
        found = QUESTIONNAIRE.find_page(page.path.split("?")[0].rsplit("/", 1)[-1])
        if page.location or found is None or page.status != 200:
            return
        asked = [question for question in found.questions if question.id in page.asked]
        sent = {question.id: data.draw(sayings(question)) for question in asked}
        answer = self.browser.post(page.path, page.form | sent)
        if answer.status == 422:
            assert answer.problems
            return
        assert answer.status == 303
        self.said |= sent
        kept = self._kept()
        for question in asked:
            if sent[question.id] not in ([], [""]):
                assert question.id in kept, f"{question.id} was said, and is not kept"

    def _kept(self) -> dict[str, Any]:
        kept: dict[str, Any] = document_of(self.app, self._walk)["answers"]
        return kept

    # ------------------------------------------------------------ what holds after each step

    @invariant()
    def what_is_kept_is_what_was_said(self) -> None:
        if self.walk is None:
            return
        for name, value in self._kept().items():
            assert sorted(as_form(value)) == sorted(self.said[name]), name

    @invariant()
    def what_is_shown_is_what_is_kept(self) -> None:
        page = self._walk.get("result") if self.walk else None
        if page is None or page.location or self.look["language"] != "en":
            return
        said = Answers(QUESTIONNAIRE, read_answers(QUESTIONNAIRE, self._kept()))
        for line in transcript(said):
            assert page.said[" ".join(line.wording.split())] == " ".join(line.said.split()), line.id

    @invariant()
    def an_emergency_always_stops_and_pages_look_as_chosen(self) -> None:
        if self.walk is None:
            return
        ticked = any(code != NONE_CODE for code in self.said.get("danger_now", []))
        said = Answers(QUESTIONNAIRE, read_answers(QUESTIONNAIRE, self._kept()))
        is_emergency = screen(said).urgency.level is Level.EMERGENCY
        assert is_emergency or not ticked
        # Each step another one: all of them at each step would take minutes.
        self.places.rotate()
        for place in ("check", self.places[0]):
            page = self._walk.get(place)
            assert (page.location.split("?")[0] == self._walk.url("stop")) == is_emergency, place
        shown = self._way_forward()
        assert shown.tree.get("lang") == self.look["language"]
        assert (shown.tree.get("data-theme") or "") == self.look["theme"]

    @invariant()
    def a_receipt_is_found_and_says_whether_it_was_withdrawn(self) -> None:
        for path, reference in self.receipts.items():
            page = self.browser.get(path)
            assert page.status == 200
            assert reference in page.text
            words = "You withdrew this request", "Usted retir\u00f3"
            assert any(each in page.text for each in words) == (path in self.withdrawn)

    @invariant()
    def each_journey_sent_one_request_at_most(self) -> None:
        assert count_rows(self.app, Consultation) == len(self.receipts)

    @invariant()
    def a_link_of_before_opens_nothing(self) -> None:
        for token in self.old_links[-1:]:
            page = self.browser.get(f"/d/{token}/check")
            assert page.status == 410 or page.location.startswith("/r/")


def look_form(page: Page) -> tuple[str, dict[str, object]]:
    """Where the buttons for brightness and language send what: a page with fields sends them along."""
    for form in page.forms:
        place = form.get("action", "").split("?")[0]
        if place.endswith("/look"):
            return place, {each.get("name", ""): each.get("value", "") for each in form.iter("input")}
    return page.path, dict(page.form)


def test_no_step_of_a_patient_breaks_what_they_rely_on(made: Made) -> None:
    run_steps(Journey, STEPS, made=made)
