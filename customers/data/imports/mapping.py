"""Which column of a file is which field of a customer: guessed from headers and samples, checked when somebody says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.refused import Invalid
from customers.models import CustomField
from customers.search import normalize

CUSTOM = "custom."
ADDRESS = ("street", "city", "state", "postal_code", "country")
# Field → what people read. The order is that of the choice on the page.
FIELDS: Mapping[str, str] = {
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "phone": "Phone",
    "company": "Company",
    "type": "Type",
    "status": "Status",
    "stage": "Stage",
    "source": "Source",
    "assigned_to": "Owner (e-mail)",
    "tags": "Tags",
    "notes": "Notes",
    "next_follow_up_at": "Next follow-up",
    "street": "Street",
    "city": "City",
    "state": "State or county",
    "postal_code": "Postal code",
    "country": "Country",
    "language": "Language",
    "do_not_contact": "Do not contact",
}
# These take more than one column.
REPEATABLE = frozenset({"email", "phone", "tags", "notes"})
# One of these says who it is.
NAMING = ("name", "first_name", "last_name", "company", "email", "phone")
# Other names that a caller may use.
ALIASES = {f"address.{part}": part for part in ADDRESS} | {"owner": "assigned_to", "follow_up": "next_follow_up_at"}

# English, German, French, Spanish, Italian, Portuguese, Dutch, Polish; without accents, as `_plain` writes a header.
_SYNONYMS: Mapping[str, str] = {
    "name": "name|full name|fullname|customer|customer name|client|client name|contact|contact name|lead|lead name|"
    "person|display name|kunde|kundenname|kontakt|nom complet|nom client|client nom|nombre completo|"
    "nombre y apellidos|cliente|nome completo|nominativo|naam|volledige naam|klant|imie i nazwisko|klient|student|"
    "student name|patient|patient name",
    "first_name": "first name|firstname|given name|forename|first|vorname|prenom|nombre|primer nombre|nome|"
    "nome proprio|voornaam|imie",
    "last_name": "last name|lastname|surname|family name|second name|last|nachname|familienname|nom|nom de famille|"
    "apellido|apellidos|cognome|sobrenome|apelido|achternaam|nazwisko",
    "email": "e mail|email|mail|email address|e mail address|mail address|e mail adresse|email adresse|adresse mail|"
    "adresse e mail|courriel|correo|correo electronico|email 1|e mail 1|posta elettronica|endereco de e mail|"
    "e mailadres|adres e mail|work email|private email",
    "phone": "phone|phone number|telephone|telephone number|tel|tel no|mobile|mobile phone|mobile number|cell|"
    "cell phone|cellphone|whatsapp|whatsapp number|phone 1|telefon|telefonnummer|handy|handynummer|mobil|"
    "mobiltelefon|rufnummer|telephone portable|portable|numero de telephone|gsm|telefono|movil|celular|"
    "numero de telefono|cellulare|telefone|telemovel|telefoon|telefoonnummer|mobiel|komorka|numer telefonu|"
    "contact number|home phone|work phone",
    "company": "company|company name|organization|organisation|business|employer|account|account name|firma|"
    "unternehmen|firmenname|societe|entreprise|empresa|compania|azienda|societa|ditta|bedrijf|bedrijfsnaam|"
    "nazwa firmy",
    "type": "type|customer type|kind|typ|kundentyp|tipo",
    "status": "status|customer status|lead status|state of customer|kundenstatus|statut|estado del cliente|"
    "stato cliente",
    "stage": "stage|pipeline stage|lead stage|phase|deal stage|etape|etapa|fase|etap",
    "source": "source|lead source|origin|channel|herkunft|quelle|origine|provenance|origen|fuente|fonte|origem|bron|"
    "zrodlo",
    "assigned_to": "owner|owner email|owner e mail|assigned to|assignee|account owner|lead owner|contact owner|"
    "responsible|agent|counselor|sales rep|besitzer|zustandig|verantwortlich|proprietaire|responsable|propietario|"
    "responsabile|responsavel|eigenaar|opiekun",
    "tags": "tags|tag|labels|label|categories|category|groups|group|kategorie|kategorien|etiquettes|etiquetas|"
    "etichette",
    "notes": "notes|note|comment|comments|remarks|description|memo|notizen|bemerkung|bemerkungen|notas|commentaire|"
    "commentaires|remarques|comentarios|observaciones|osservazioni|observacoes|opmerkingen|uwagi|notatki",
    "next_follow_up_at": "next follow up|next follow up at|follow up|followup|follow up date|next contact|reminder|"
    "wiedervorlage|relance|seguimiento|proximo contacto",
    "street": "street|street address|address|address 1|address line 1|address1|strasse|strasse und hausnummer|"
    "adresse|anschrift|rue|calle|direccion|domicilio|via|indirizzo|rua|endereco|straat|adres|ulica",
    "city": "city|town|ort|stadt|wohnort|ville|ciudad|poblacion|localidad|citta|comune|cidade|stad|plaats|woonplaats|"
    "miasto",
    "state": "state|county|province|region|state or county|state county|bundesland|departement|provincia|estado|"
    "comunidad autonoma|regione|distrito|provincie|wojewodztwo",
    "postal_code": "postal code|postcode|post code|zip|zip code|plz|postleitzahl|code postal|cp|codigo postal|cap|"
    "cep|codice postale|kod pocztowy",
    "country": "country|country name|land|pays|pais|paese|kraj|nation",
    "language": "language|lang|locale|sprache|langue|idioma|lingua|taal|jezyk",
    "do_not_contact": "do not contact|dnc|opt out|opted out|unsubscribed|no contact",
}
_WORDS: Mapping[str, str] = {word: field for field, words in _SYNONYMS.items() for word in words.split("|")}
_EMAIL = re.compile(r"[^@\s]++@[^@\s][^@\s.]*+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,20}")
SURE, LIKELY, PERHAPS = 1.0, 0.8, 0.6
_LIKE_ENOUGH = 0.84
_MIN_SHARE = 0.6


class InvalidMapping(Invalid):
    """`column` names the column, or is empty where the mapping as a whole is wrong."""

    def __init__(self, column: str, detail: str) -> None:
        super().__init__(f"mapping.{column}" if column else "mapping", detail)
        self.column = column


@dataclass(frozen=True, slots=True)
class Guess:
    """`field` is empty where the column says nothing to us; `confidence` goes from 0 to 1."""

    column: str
    field: str
    confidence: float

    @property
    def words(self) -> str:
        """How sure it is, for a person."""
        if not self.field:
            return "Not recognised"
        if self.confidence >= SURE:
            return "Sure"
        return "Likely" if self.confidence >= LIKELY else "A guess"


def guess(headers: Sequence[str], samples: Sequence[Sequence[str]], definitions: Sequence[CustomField]) -> list[Guess]:
    """For each column the field that it likely is; the surest claim a field first."""
    claims = []
    for position, header in enumerate(headers):
        cells = [row[position] for row in samples if position < len(row) and row[position].strip()]
        field, confidence = _claim(header, cells, definitions)
        claims.append((-confidence, position, field))
    taken: set[str] = set()
    results: dict[int, Guess] = {}
    for negative, position, field in sorted(claims):
        is_free = field not in taken or field in REPEATABLE
        kept = field if is_free else ""
        results[position] = Guess(headers[position], kept, -negative if kept else 0.0)
        taken.add(field)
    return [results[position] for position in range(len(headers))]


def choices(definitions: Sequence[CustomField]) -> list[tuple[str, str]]:
    """What a column can be, with the words for it."""
    return [*FIELDS.items(), *((f"{CUSTOM}{field.key}", field.label) for field in definitions)]


def check(mapping: Mapping[str, object], headers: Sequence[str], definitions: Sequence[CustomField]) -> dict[str, str]:
    """The mapping with the file's own headers and our names of fields, columns that are left out not in it.

    Raises InvalidMapping for a column that the file lacks, an unknown field, and a field named twice.
    """
    known = {header.casefold(): header for header in headers}
    fields = {key for key, _ in choices(definitions)}
    result: dict[str, str] = {}
    for column, wanted in mapping.items():
        header = known.get(" ".join(str(column).split()).casefold())
        if header is None:
            raise InvalidMapping(str(column)[:80], f"The file has no column “{str(column)[:80]}”.")
        if wanted in (None, ""):
            continue
        field = ALIASES.get(str(wanted), str(wanted))
        if field not in fields:
            raise InvalidMapping(
                header, f"“{field[:60]}” is not a field. Use one of {', '.join([*FIELDS, 'custom.<key>'])}."
            )
        if field in result.values() and field not in REPEATABLE:
            raise InvalidMapping(header, f"Two columns are mapped to {FIELDS.get(field, field)}.")
        result[header] = field
    if not set(result.values()) & set(NAMING):
        raise InvalidMapping("", "Say which column holds the name, the e-mail or the phone.")
    return result


def _claim(header: str, cells: Sequence[str], definitions: Sequence[CustomField]) -> tuple[str, float]:
    word = _plain(header)
    # A field of the organization's own that is called like one of ours is exported with its key behind.
    ours = {_plain(name): key for key, label in FIELDS.items() for name in (label, key)}
    if word in ours:
        return ours[word], SURE
    for field in definitions:
        own = (field.key, field.label, f"{CUSTOM}{field.key}", f"{field.label} ({field.key})")
        if word in map(_plain, own):
            return f"{CUSTOM}{field.key}", SURE
    if word in _WORDS:
        return _WORDS[word], SURE
    by_cells = _by_cells(cells)
    if by_cells[0]:
        return by_cells
    parts = set(word.split())
    longest = max((w for w in _WORDS if len(w) > 4 and set(w.split()) <= parts), key=len, default="")
    if longest:
        return _WORDS[longest], LIKELY
    near = difflib.get_close_matches(word, _WORDS, n=1, cutoff=_LIKE_ENOUGH) if len(word) > 3 else []
    if near:
        return _WORDS[near[0]], PERHAPS
    return "", 0.0


def _by_cells(cells: Sequence[str]) -> tuple[str, float]:
    if cells and sum(bool(_EMAIL.fullmatch(cell.strip())) for cell in cells) >= _MIN_SHARE * len(cells):
        return "email", PERHAPS
    if cells and sum(_looks_like_phone(cell.strip()) for cell in cells) >= _MIN_SHARE * len(cells):
        return "phone", PERHAPS
    return "", 0.0


def _looks_like_phone(cell: str) -> bool:
    return bool(_PHONE.fullmatch(cell)) and (cell[0] in "+0(") and sum(char.isdigit() for char in cell) > 7


def _plain(header: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", normalize(header).replace("ß", "ss").replace("ł", "l")).split())
