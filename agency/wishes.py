"""Which playbook a wish means: its words held against the phrases that staff wrote, without a language model.

A wish is understood through typos, word order, other forms of words and words that mean the same, in English and
Turkish (`agency.vocabulary`). It is understood only when enough of a phrase is said and little else is: asking
again costs a person a moment, the wrong run more.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log
from operator import mul

from agency import vocabulary
from agency.models import Playbook

SAID = 0.65  # so much of the phrase has to be in the wish
MEANT = 0.65  # and so much of the wish in the phrase, or in others of its playbook
RELATED = 0.6  # a playbook as near as this offers its workflows as alternatives
CLEARLY = 0.02  # nearer than the next playbook by this much, or the wish means neither
WEAK = 0.3  # what "new", "all" or "shop" weigh beside a word that says something
ELSEWHERE = 0.8  # what a word is worth that stands in another phrase of the same playbook
CORRECTED = 0.9  # what a word is worth that had a typo
TURNED = 0.5  # what is left of the likeness to a phrase whose opposite is wished


@dataclass(frozen=True)
class Match:
    """How near a wish is to a playbook, 0 to 1, and by which phrase. `is_sure`: this one is meant."""

    playbook: Playbook
    phrase: str
    score: float
    is_sure: bool


def rank(statement):
    """A Match of every active playbook, nearest first; only the first one can be sure."""
    playbooks = list(Playbook.objects.filter(is_active=True).prefetch_related("steps"))
    library = _library(tuple((playbook.name, playbook.phrases) for playbook in playbooks))
    wish = library.read(statement)
    ranked = [
        Match(playbook, *library.nearest(wish, place))  # the library has them in the same order
        for place, playbook in enumerate(playbooks)
    ]
    ranked.sort(key=lambda match: (not match.is_sure, -match.score, match.playbook.slug))
    return _unless_undecided(ranked)


def _unless_undecided(ranked):
    """Two playbooks that are as near as each other: the wish means neither."""
    sure = [match for match in ranked if match.is_sure]
    decided = len(sure) == 1 or (len(sure) > 1 and sure[0].score - sure[1].score >= CLEARLY)
    return [replace(match, is_sure=decided and not place) for place, match in enumerate(ranked)]


@dataclass(frozen=True)
class Word:
    """A word of a wish or a phrase: what it means, and how surely it was read."""

    meanings: frozenset
    sureness: float = 1.0


@dataclass(frozen=True)
class Saying:
    """A wish or a phrase as it was read.

    `is_turned`: it says no, less, or away with it. `alone`: the heads of its word, if it has only one. `spelled`:
    its words as they are written, by which the nearer of two equally likely phrases is shown. `weights`: how much
    each word says.
    """

    words: tuple
    is_turned: bool
    meanings: frozenset
    alone: frozenset
    spelled: frozenset
    weights: tuple = ()


# It depends on nothing but its argument, so that no process can hold an old one; a few, for edits and tests.
@lru_cache(maxsize=4)
def _library(written):
    return Library(written)


class Library:
    """The phrases of all playbooks, read. `written`: the name and the phrases, one on each line, of each."""

    def __init__(self, written):
        texts = [[name, *filter(str.strip, phrases.splitlines())] for name, phrases in written]
        self._taught = _taught(texts)
        sayings = [[self._read(text) for text in each] for each in texts]
        self._known = [frozenset().union(*(saying.meanings for saying in each)) for each in sayings]
        self._playbooks = Counter(meaning for known in self._known for meaning in known)
        self._sayings = [
            [(text, self._weighed(saying)) for text, saying in zip(*both, strict=True)]
            for both in zip(texts, sayings, strict=True)
        ]

    def read(self, statement):
        """A wish as a Saying, its typos corrected to words that are known."""
        return self._weighed(self._read(statement, corrects=True))

    def nearest(self, wish, place):
        """Of the playbook at this place: its phrase that is nearest to the wish, the score, and if it is meant."""
        found = [
            (text, *self._likeness(wish, saying, self._known[place]), len(saying.spelled & wish.spelled))
            for text, saying in self._sayings[place]
            if saying.meanings & wish.meanings
        ]
        return max(found, key=lambda one: (one[2], one[1], one[3]), default=("", 0.0, False))[:3]

    # --- Likeness ----------------------------------------------------------------------------------------

    def _likeness(self, wish, phrase, known):
        """The harmonic mean of how much of each is found in the other, and whether that is sure."""
        words = wish.words
        said = [max([w.sureness for w in words if w.meanings & p.meanings], default=0.0) for p in phrase.words]
        meant = [_worth(word, phrase, known) for word in words]
        recall, precision = _share(said, phrase.weights), _share(meant, wish.weights)
        score = 2 * recall * precision / (recall + precision)
        if wish.is_turned != phrase.is_turned:
            return score * TURNED, False
        # One word is a topic and no wish ("sales"), unless staff wrote that very word as a phrase.
        both = min(sum(map(bool, said)), sum(worth > ELSEWHERE for worth in meant))
        is_enough = both > 1 or bool(wish.alone & phrase.alone)
        return score, is_enough and recall >= SAID and precision >= MEANT

    def _weighed(self, saying):
        return replace(saying, weights=tuple(self._weight(word.meanings) for word in saying.words))

    def _weight(self, meanings):
        """A word says the more, the fewer playbooks speak of what it means."""
        spoken_of = min((self._playbooks[m] for m in meanings if m in self._playbooks), default=1)
        is_weak = meanings and meanings <= vocabulary.WEAK
        return log(1 + len(self._known) / spoken_of) * (WEAK if is_weak else 1)

    # --- Reading -----------------------------------------------------------------------------------------

    def _read(self, text, *, corrects=False):
        parts, is_turned = _parts(text)
        words = [Word(known) if known else self._taught_word(word, corrects) for word, known in parts]
        distinct = tuple({word.meanings or place: word for place, word in enumerate(words)}.values())
        meanings = frozenset().union(*(word.meanings for word in distinct))
        alone = frozenset(vocabulary.heads(parts[0][0])) if len(parts) == 1 else frozenset()
        spelled = frozenset(word for word, _ in parts)
        return Saying(distinct, is_turned or vocabulary.AGAINST in meanings, meanings, alone, spelled)

    def _taught_word(self, word, corrects):
        known = frozenset().union(*(self._taught.get(head, ()) for head in vocabulary.heads(word)))
        if known or not corrects:
            return Word(known)
        near = vocabulary.corrected(word) or self._like_taught(word)
        return Word(near, CORRECTED if near else 1.0)

    def _like_taught(self, word):
        near = defaultdict(set)
        for head, language in vocabulary.heads(word):
            for (known, its_language), words in self._taught.items():
                count = vocabulary.typos(head, known) if language == its_language else None
                if count is not None:
                    near[count] |= words
        return frozenset(near[min(near)]) if near else frozenset()


def _share(worths, weights):
    return sum(map(mul, worths, weights)) / sum(weights)


def _worth(word, phrase, known):
    if word.meanings & phrase.meanings:
        return word.sureness
    return word.sureness * ELSEWHERE if word.meanings & known else 0.0


def _parts(text):
    """The words of a text that say something, each with what it means, and whether they say no."""
    words = vocabulary.fold(text).split()
    parts = [(word, vocabulary.meanings(word)) for word in words if not vocabulary.is_empty(word)]
    return parts, vocabulary.says_no(words)


def _taught(texts):
    """The words that staff taught beside the vocabulary: the head of each -> the words that have it."""
    heads = defaultdict(set)
    for each in texts:
        for text in each:
            for word in (word for word, known in _parts(text)[0] if not known):
                for head in vocabulary.heads(word):
                    heads[head].add(f"={word}")
    return heads
