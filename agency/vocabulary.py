"""The words of wishes, English and Turkish: which mean the same, which turn a wish around, which say nothing.

It knows the language of running a shop, and no playbook: what is done about a wish stands in the playbooks that
staff edit, and a word that they teach there needs no entry here.
"""

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache

# One meaning a line, `meaning: English stems | Turkish stems`, as `fold` writes them (no accents, a dotted i).
# A starred meaning says little by itself: it counts, but less. A word may stand in several lines.
MEANINGS = """
increase: boost increas grow grew rais rise lift improv expand enhanc doubl multipl optimiz optimis sharpen
    strengthen widen skyrocket bigger larger higher better maximiz maximis max maximum most highest
    | artir arttir artis artsin artma artmali yukselt yuksel yuksek buyut buyu cogalt gelistir iyilestir
    katla guclendir genislet maksimize maksimum azami ust
revenue: revenue turnover sale sell selling sold seller income takings | gelir ciro hasilat satis sat
profit: profit margin earn gain lucrative | kar kazanc kazan marj karli
money: money cash | para nakit
customer: customer client clientele buyer shopper | musteri alici
product: product item collection merchandise goods arrival listings | urun koleksiyon mal
service: service gig listings | hizmet servis ilan
order: order commission | siparis
page: page listings | sayfa
problem: problem issue error fault faulty bug mistake wrong broken defect
    | sorun hata problem aksaklik bozuk yanlis
stock: inventory stock catalog catalogue | envanter stok katalog
health: health | saglik
price: price pricing | fiyat
launch: launch publish publiciz releas announc introduc unveil debut list live online rollout availabl visibl
    | gorun yayinla yayin yayim tanit duyur lansman cikar piyasa
build: build built creat construct | kur insa olustur
approve: approv | onayla onayli onay
promote: promot advertis advert market marketing publiciz campaign publicity | tanit reklam pazarla kampanya duyur
fulfill: fulfil fulfill complet deliver deliverabl finish process ship shipp dispatch handl done clear
    | tamamla teslim bitir hazirla isle islem gonder ulastir yetistir bosalt karsila sonuclandir ilgilen
check: check audit review verif inspect examin test scan look validat monitor control
    | kontrol denetle denetim incele dogrula bak ara tara test teftis
find: find search detect spot look locat | bul tespit
gain: attract gain acquir win | cek edin
ok: ok okay alright fine right healthy correct accurat | yolunda iyi dogru duzgun
ready: ready prepar | hazir
title: title headline | baslik
*shop: shop store storefront site website webshop studio business agency company
    | magaza dukkan site vitrin isletme sirket
*more: more additional extra another further possible | daha fazla cok
*new: new latest fresh newest | yeni son
*all: all every everything whole full entire everyone | tum butun hepsi hersey her
*open: open pending waiting wait outstanding unfinished paid due backlog queue | acik bekle bekleyen kuyruk
*work: work job task | isler
"""

AGAINST = "against"  # the meaning of what turns a wish around
# They turn a wish around: without them in a phrase, no wish that has them means it.
TURNING = """
no not never without stop avoid quit dont doesnt didnt wont cant cannot shouldnt wouldnt isnt neither nor
delet remov cancel refund reduc lower decreas cut clos shut unpublish drop destroy eras less fewer worse worst half
los hide discard reject kill ban fire worsen minimiz minimis shrink lessen withdraw undo
| degil asla sakin hic yok sil iptal azal azalt dusur kapat kapan kaldir durdur iade kotu kotules istemiyor zarar
"""

# They say nothing about what is wished.
EMPTY = frozenset(
    """
    a an and or but the teh this that these those it its they them their there i im we you he she my our your us me
    of for to in on at by with from into out as so if then than about through over off
    is are was were be been being am has have had do does did get gets got getting make makes made making
    take takes taking put puts bring brings give gives go goes going come let lets help run runs keep see
    want wants wish need needs would could should can may might will shall must like try please kindly
    now today tonight tomorrow soon asap fast quick quickly right away immediately finally again just also really
    very week month quarter year much many lot lots some any such own care sure thing stuff something anything
    whatever tell
    bir ve ile veya bu su o da de ki mi mu icin ben biz siz sen bana bize benim bizim sizin senin
    et ed yap ol al ver lazim gerek lutfen simdi hemen bugun artik var koy koyalim
    hafta ay yil gibi kadar en
    """.split()  # noqa: SIM905  a list of a hundred quoted words is no list that a person reads
)
# The verbs that Turkish makes verbs with: "kontrol et", "reklam yapalım", "artırmak istiyorum".
LIGHT = re.compile(
    r"(?:ed|et|yap|ol|al|ver|ist|iste|gerek)(?:[iu]l)?(?:[ae]l[iu]m|s[iu]n|[iu]n|[iu]n[iu]z|m[ae]k|m[ae]l[iu](?:y[iu]z)?"
    r"|[iu]yor(?:[iu]m|[iu]z)?|[iu]r|[ae]r|[ae]r[iu]z|r[iu]z|m[ae]s[iu]|r[iu]m|[iu]r[iu]m|[iu]r[iu]z)?"
)

TOGETHER = {
    "all right": "alright",
    "her sey": "hersey",
    "right now": "now",
    "set up": "build",
    "make sure": "check",
    "take care of": "handle",
    "taking care of": "handling",
    "go up": "rise",
    "bastan sona": "tum",
}

ENGLISH_ENDING = re.compile(
    r"(?:e|s|es|ed|d|r|rs|ing|ings|ers?|ors?|ments?|ions?|ations?|ications?|able|abl[ey]|ability|als?|ance"
    r"|ly|l|y|ies|ied|ying|ups?|ness)?"
)
LONGEST_ENDING = 14  # longer ones are keyboard mash, and would keep the expression below busy
# A chain of plural, possessive, case and verb endings, without asking whether their order is good Turkish.
TURKISH_ENDING = re.compile(
    r"(?:l[ae]r|[iu]m[iu]z|[iu]n[iu]z|m[iu]z|n[iu]z|[iu]m|n?[iu]n|nd[ae]n?|[dt][ae]n?|n[ae]|n[iu]|s[iu]"
    r"|y?[iu]|y?[ae]|l[iu][kg]|l[iu]|m[ae][kg]|m[ae][yz]?|[iu]yor|[iu]yoruz|y?[ae]l[iu]m|s[iu]n|d[iu]r|[iu]r|y?l[ae]"
    r"|[iu]l|n?[ae]c[ae][kg]|y?[ae]n|n?m[iu]s|[dt][iu]|n|y|m)*"
)
# "artırmayın", "artırmasın", "artırmıyor", "artırmaz": a Turkish verb says no by its ending.
TURKISH_NO = re.compile(r"(?:m[ae]y[iu]n(?:[iu]z)?|m[ae]s[iu]n(?:l[ae]r)?|m[ae]y[ae]l[iu]m|m[iu]yor\w*|m[ae]z\w*)")


def _table():
    english, turkish, weak = {}, {}, set()
    for line in re.sub(r"\n\s+", " ", MEANINGS.strip()).splitlines():
        meaning, _, stems = line.partition(":")
        if meaning.startswith("*"):
            meaning = meaning[1:]
            weak.add(meaning)
        for known, part in zip((english, turkish), stems.split("|"), strict=True):
            for stem in part.split():
                known.setdefault(stem, set()).add(meaning)
    for known, part in zip((english, turkish), TURNING.split("|"), strict=True):
        for stem in part.split():
            known.setdefault(stem, set()).add(AGAINST)
    return {"en": english, "tr": turkish}, frozenset(weak)


STEMS, WEAK = _table()


def fold(text):
    """The text in small letters without accents, one space between words: `Kârı ARTIR` is `kari artir`."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ı", "i").casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("’", "'")
    plain = re.sub(r"n't\b", " not", plain)
    plain = re.sub(r"'\w{0,4}\b", " ", plain)  # client's, let's, İstanbul'a
    words = " ".join(re.findall(r"[^\W_]+", plain))
    for several, one in TOGETHER.items():
        words = re.sub(rf"\b{several}\b", one, words)
    return words


@lru_cache(maxsize=4096)
def heads(word):
    """What a folded word is without its endings, the longest first, each with its language: `cakes` gives
    (cakes, en), (cakes, tr), (cake, en) and (cak, en)."""
    found = []
    for cut in range(len(word), max(2, len(word) - LONGEST_ENDING), -1):
        if ENGLISH_ENDING.fullmatch(word[cut:]):
            found.append((word[:cut], "en"))
        if TURKISH_ENDING.fullmatch(word[cut:]):
            found.append((word[:cut], "tr"))
    return tuple(found)


@lru_cache(maxsize=4096)
def meanings(word):
    """What a folded word means, as a frozenset of meanings; empty for a word that isn't known."""
    for head, language in heads(word):
        if head in STEMS[language]:
            says_no = language == "tr" and TURKISH_NO.fullmatch(word[len(head) :])
            both = STEMS["en"].get(head, set()) | STEMS["tr"].get(head, set()) if head == word else set()
            return frozenset(STEMS[language][head] | both | ({AGAINST} if says_no else set()))
    return frozenset()


@lru_cache(maxsize=4096)
def corrected(word):
    """What a folded word with a typo probably means: the meanings of the stems that are nearest to it."""
    near = defaultdict(set)
    for head, language in heads(word):
        for stem in STEMS[language]:
            distance = typos(head, stem)
            if distance is not None:
                near[distance] |= STEMS[language][stem]
    return frozenset(near[min(near)]) if near else _with_a_typo_behind(word)


def _with_a_typo_behind(word):
    """The meanings of a Turkish word whose typo stands in its endings ("siparişlri")."""
    for cut in range(len(word) - 1, max(3, len(word) - LONGEST_ENDING), -1):
        stem, ending = word[:cut], word[cut:]
        if stem in STEMS["tr"]:
            places = range(len(ending) + 1)
            mended = [ending[:i] + letter + ending[i:] for i in places for letter in "aeiu"]
            mended += [ending[:i] + ending[i + 1 :] for i in places]
            if any(map(TURKISH_ENDING.fullmatch, mended)):
                return frozenset(STEMS["tr"][stem])
    return frozenset()


def typos(word, stem):
    """How many typos lie between two words, or None for more than a word of that length has.

    A typo is a letter too much, missing or wrong, or two that changed places; never the first letter, which
    people rarely miss. Short words have no typos: half of them are a letter away from another word.
    """
    length = max(len(word), len(stem))
    most = 0 if length < 5 else 1 if length < 8 else 2
    if not most or word[0] != stem[0] or abs(len(word) - len(stem)) > most:
        return None
    before, row = None, list(range(len(stem) + 1))
    for i, letter in enumerate(word, 1):
        last, row = row, [i]
        for j, other in enumerate(stem, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if before and j > 1 and letter == stem[j - 2] and word[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1] if row[-1] <= most else None


def is_empty(word):
    """Whether a folded word says nothing about what is wished."""
    return word in EMPTY or bool(LIGHT.fullmatch(word))


def says_no(words):
    """Whether the last of folded words is a Turkish verb that forbids: `geliri artirma`, but not `gelir artirmak`.

    The same form is also a noun ("inceleme"); a wish that may be its own opposite is better not guessed.
    """
    last = next((word for word in reversed(words) if word != "lutfen"), "")
    bare = last[:-2]
    return last[-2:] in ("ma", "me") and (bare in STEMS["tr"] or bare in ("et", "yap", "ol", "al", "ver"))
