"""What no goal may ask for: everything off, protections ignored, emergency calls unserved.

A goal cannot loosen a guard in any case; who asks for it is told so, and nothing is planned.
"""

import re
from collections.abc import Sequence

_BARRED: Sequence[tuple[str, str]] = (
    (
        r"\b(?:switch|turn|shut|power|put|take|set|bring)\w*\b[^,;.]{0,40}\b(?:everything|"
        r"every (?:single )?(?:cell|site|carrier)|all (?:of )?(?:the |our )?"
        r"(?:cells|sites|carriers|stations|radios|network)|the (?:whole|entire) network)\b"
        r"(?! (?:you|that|which|as|possible))[^,;.]{0,30}"
        r"\b(?:off|down|deep sleep|to sleep|asleep)\b"
        r"(?! (?:you|that|which|where|as far|if))"
        r"|\b(?:switch|turn|shut|power)\w*\s+(?:off|down)\s+"
        r"(?:everything|all(?! (?:\w+ )?(?:you|that|which))|"
        r"every(?! (?:cell|carrier|site)s? (?:you|that))|the (?:whole |entire )?network)"
        r"|\b(?:all|every)(?: (?:of )?the| our| single)? (?:cells?|sites?|carriers?|stations?)\b"
        r"[^,;.]{0,12}\b(?:must|should|shall|have to|has to|to|go|goes)\b[^,;.]{0,20}"
        r"\b(?:sleep|off|down|dark)\b"
        r"|\beverything (?:must |should |has to )?(?:go |be )?(?:off|asleep|down)\b"
        r"|\b(?:alles|sämtliche\w*|alle (?:zellen|standorte)|das (?:ganze )?netz)\b[^,;.]{0,30}"
        r"\b(?:ab|aus)(?:schalten|geschaltet|knipsen|machen)?\b|\bschalte? alles (?:ab|aus)\b",
        "It asks for everything to be off; cells sleep only where others carry their users.",
    ),
    (
        r"\b(?:ignor\w*|disregard|forget|override|bypass|disable|skip|drop|remove|lift|missacht\w*|"
        r"umgeh\w*|überschreib\w*)\b[^,;.]{0,60}\b(?:guard\w*|limit\w*|rule\w*|instruction\w*|"
        r"protect\w*|hospital\w*|emergency|fire brigade|stadium|floor\w*|users?|"
        r"customers?|reserve\w*|coverage|approval\w*|krankenh\w*|klinik\w*|regel\w*|grenz\w*|schutz\w*|notruf\w*|"
        r"nutzer\w*|anweisung\w*)",
        "It asks to pass over a guard or a protection; a goal can make them stricter only.",
    ),
    (
        r"\b(?:at (?:any|all) costs?|whatever it takes|no matter what|um jeden preis|"
        r"koste es,? was es wolle|regardless of|no regard|egal (?:ob|wie|was)|"
        r"rücksichtslos|ohne rücksicht)\b",
        "It puts saving above what users keep; the promise to users holds in every plan.",
    ),
    (
        r"\b(?:users?|customers?|people|nutzer|kunden)\b[^,;.]{0,30}\b(?:don'?t matter|"
        r"do not matter|doesn'?t matter|may suffer|can suffer|egal|unwichtig)\b"
        r"|\b(?:no|without (?:any|a)?|kein\w*|ohne)\s*(?:floor|reserve|guard\w*|limits?|approval|"
        r"mindestrate|reserve|grenzen)\b",
        "It asks for no promise to users; the promise to users holds in every plan.",
    ),
    (
        r"\b(?:lte|4g)\b[^,;.]{0,40}\b(?:off|down|sleep|asleep|schlafen|ab(?:schalten)?|aus)\b"
        r"|\b(?:switch|turn|shut|power)\w*\b[^,;.]{0,25}\b(?:lte|4g)\b",
        "It asks for LTE to sleep; emergency calls and calls rest on LTE, which never sleeps.",
    ),
    (
        r"\b(?:hospital\w*|krankenh\w*|klinik\w*|fire brigade|ambulance|emergency|feuerwehr|"
        r"notruf\w*)\b[^,;.]{0,25}\b"
        r"(?:too|as well|auch|ebenfalls|included|inclusive|eingeschlossen)\b"
        r"|\b(?:even|also|including|sogar|auch|einschließlich)\b[^,;.]{0,20}"
        r"\b(?:hospital\w*|krankenh\w*|klinik\w*|fire brigade|ambulance|emergency|feuerwehr|"
        r"notruf\w*)",
        "It asks for cells of a protected place to sleep; only who protects the place may change "
        "that.",
    ),
    (
        r"\b(?:do not|don'?t|never|stop|no longer|nicht mehr|kein\w*)\s+"
        r"(?:sav\w+|spar\w+|any saving)(?:\s+(?:anything|any|energy|energie|strom|power))?"
        r"\s*(?:$|[,;.!]|tonight|today|heute|any)",
        "It asks not to save; to stop saving, take the standing changes back.",
    ),
)


def barred_wishes(text: str) -> list[str]:
    """Return a sentence for each kind of wish in a text that no goal may have."""
    return [says for words, says in _BARRED if re.search(words, text, re.IGNORECASE)]
