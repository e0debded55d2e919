"""A customer's fields, each declared once; forms, API, merge, import, export, erasure, table and filters read them.

A row says what a field is (`kind`) and who uses it. What is done with a value depends on its kind, and stands where it
is done: a table of kinds, never of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from django.db import models
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.registry import Registry
from customers.models import Customer

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# What sort of value a field has. A LINE is a text of one line, a TEXT one of several. A PLACE is one line of an
# ADDRESS, a NAME_PART a column of files that is joined into the name. An OPT_OUT stays whatever a merge chooses, and
# erasing sets it. A MOMENT is written by the services; CUSTOM are the values of the organization's own fields.
Kind = Enum(
    "Kind", "CODE NAME NAME_PART EMAIL PHONE LINE TEXT CHOICE STAGE SOURCE OWNER TAGS FOLLOW_UP ADDRESS PLACE OPT_OUT "
    "MOMENT CUSTOM",
)  # fmt: skip
# Before the key of one of the organization's own fields, wherever they stand among ours.
CUSTOM = "custom."
_EMPTY: Mapping[Kind, type] = {Kind.TAGS: list, Kind.ADDRESS: dict, Kind.CUSTOM: dict, Kind.OPT_OUT: bool}


@dataclass(frozen=True, slots=True)
class CustomerField:
    """A field of a customer. By default it is used everywhere but in the filters.

    `stored_in` is the model's column where it is not called like the field, `synonyms` other headers that files have
    for it in English, German, French, Spanish, Italian, Portuguese, Dutch and Polish: small letters without accents,
    parted by |.
    """

    name: str
    label: StrPromise
    kind: Kind
    synonyms: str = ""
    stored_in: str = ""
    header: StrPromise | str = ""  # in our files, where that is not the label
    import_label: StrPromise | str = ""  # among what a column of a file can be, the same
    hint: StrPromise | str = ""  # beneath it in forms
    part_length: int = 0  # how many characters fit into what is only a part of a column
    is_quick: bool = False  # asked for when somebody is added by hand, not only when they are edited
    is_writable: bool = True  # in forms and by the API
    is_personal: bool = True  # emptied when the person is erased
    is_mergeable: bool = True  # one side's value is chosen
    is_importable: bool = True
    is_exported: bool = True
    is_column: bool = True  # of the list
    is_filter: bool = False  # of the list; a look-up among a million rows, so it has to be wanted

    @property
    def column(self) -> str:
        """The model's column that has the value."""
        return self.stored_in or self.name

    @property
    def model_field(self) -> models.Field[object, object]:
        return Customer._meta.get_field(self.column)  # type: ignore[return-value]

    @property
    def max_length(self) -> int:
        """How many characters fit; 0 where any number does."""
        return self.part_length or self.model_field.max_length or 0

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Of a CHOICE: each value, and what people call it."""
        return [(str(value), str(label)) for value, label in self.model_field.flatchoices]

    @property
    def empty(self) -> object:
        """The value where nothing is known."""
        return None if self.model_field.null else _EMPTY.get(self.kind, str)()

    def value_of(self, customer: Customer) -> object:
        """The value; of a place its line of the address."""
        if self.kind is Kind.PLACE:
            return (customer.address or {}).get(self.name) or ""
        return getattr(customer, self.column)

    def text_of(self, customer: Customer) -> str:
        """The value in words, on one line unless it is a TEXT."""
        value = self.value_of(customer)
        if self.kind is Kind.CHOICE:
            return str(getattr(customer, f"get_{self.name}_display")())
        if self.kind is Kind.ADDRESS:
            # The code stands before the city.
            lines = sorted(of_kind(Kind.PLACE), key=lambda line: line.name not in ("street", "postal_code"))
            return ", ".join(text for line in lines if (text := str(line.value_of(customer))))
        return in_words(value)


def in_words(value: object) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, datetime):
        return date_format(localtime(value), "j M Y, H:i")
    return str(value.get_full_name() if isinstance(value, User) else "" if value is None else value)


# In the order of files, forms and lists.
FIELDS: Registry[CustomerField] = Registry("Fields of a customer", name=lambda field: field.name)


def of_kind(*kinds: Kind) -> list[CustomerField]:
    """The fields of these kinds."""
    return [field for field in FIELDS if field.kind in kinds]


_ReadOnly = partial(CustomerField, is_writable=False, is_personal=False, is_mergeable=False, is_importable=False)
_NamePart = partial(CustomerField, kind=Kind.NAME_PART, stored_in="name", part_length=100, is_writable=False,
                    is_personal=False, is_mergeable=False, is_exported=False, is_column=False)  # fmt: skip
_Place = partial(CustomerField, kind=Kind.PLACE, stored_in="address", is_personal=False, is_mergeable=False)

for _field in (
    _ReadOnly("code", _("Code"), Kind.CODE),
    CustomerField("name", _("Name"), Kind.NAME, is_quick=True, synonyms=
        "full name|fullname|customer|customer name|client|client name|contact|contact name|lead|lead name|person|"
        "display name|kunde|kundenname|kontakt|nom complet|nom client|client nom|nombre completo|nombre y apellidos|"
        "cliente|nome completo|nominativo|naam|volledige naam|klant|imie i nazwisko|klient|student|student name|"
        "patient|patient name"),
    _NamePart("first_name", _("First name"), synonyms=
        "firstname|given name|forename|first|vorname|prenom|nombre|primer nombre|nome|nome proprio|voornaam|imie"),
    _NamePart("last_name", _("Last name"), synonyms=
        "lastname|surname|family name|second name|last|nachname|familienname|nom|nom de famille|apellido|apellidos|"
        "cognome|sobrenome|apelido|achternaam|nazwisko"),
    # The primary phone and e-mail; `identities.services` writes them. The list shows both in one column.
    CustomerField("email", _("E-mail"), Kind.EMAIL, is_quick=True, is_column=False, synonyms=
        "mail|email address|e mail address|mail address|e mail adresse|email adresse|adresse mail|adresse e mail|"
        "courriel|correo|correo electronico|email 1|e mail 1|posta elettronica|endereco de e mail|e mailadres|"
        "adres e mail|work email|private email"),
    CustomerField("phone", _("Phone"), Kind.PHONE, is_quick=True, is_column=False,
        hint=_("Such as +44 7700 900123."), synonyms=
        "phone number|telephone|telephone number|tel|tel no|mobile|mobile phone|mobile number|cell|cell phone|"
        "cellphone|whatsapp|whatsapp number|phone 1|telefon|telefonnummer|handy|handynummer|mobil|mobiltelefon|"
        "rufnummer|telephone portable|portable|numero de telephone|gsm|telefono|movil|celular|numero de telefono|"
        "cellulare|telefone|telemovel|telefoon|telefoonnummer|mobiel|komorka|numer telefonu|contact number|"
        "home phone|work phone"),
    CustomerField("company", _("Company"), Kind.LINE, is_quick=True, synonyms=
        "company name|organization|organisation|business|employer|account|account name|firma|unternehmen|firmenname|"
        "societe|entreprise|empresa|compania|azienda|societa|ditta|bedrijf|bedrijfsnaam|nazwa firmy"),
    CustomerField("type", _("Type"), Kind.CHOICE, is_personal=False, is_filter=True, synonyms=
        "customer type|kind|typ|kundentyp|tipo"),
    CustomerField("status", _("Status"), Kind.CHOICE, is_personal=False, is_filter=True, synonyms=
        "customer status|lead status|state of customer|kundenstatus|statut|estado del cliente|stato cliente"),
    CustomerField("stage", _("Stage"), Kind.STAGE, is_personal=False, is_filter=True, synonyms=
        "pipeline stage|lead stage|phase|deal stage|etape|etapa|fase|etap"),
    CustomerField("source", _("Source"), Kind.SOURCE, is_personal=False, is_filter=True, synonyms=
        "lead source|origin|channel|herkunft|quelle|origine|provenance|origen|fuente|fonte|origem|bron|zrodlo"),
    _ReadOnly("campaign", _("Campaign"), Kind.SOURCE, is_exported=False, is_column=False),
    CustomerField("assigned_to", _("Owner"), Kind.OWNER, is_personal=False, is_filter=True,
        import_label=_("Owner (e-mail)"), synonyms=
        "owner email|assignee|account owner|lead owner|contact owner|responsible|agent|counselor|sales rep|besitzer|"
        "zustandig|verantwortlich|proprietaire|responsable|propietario|responsabile|responsavel|eigenaar|opiekun"),
    # A merge unites them; erasing takes those off that nobody else carries. The filter is called `tag`.
    CustomerField("tags", _("Tags"), Kind.TAGS, is_personal=False, is_mergeable=False, synonyms=
        "tag|labels|label|categories|category|groups|group|kategorie|kategorien|etiquettes|etiquetas|etichette"),
    CustomerField("notes", _("Notes"), Kind.TEXT, is_quick=True, is_column=False, synonyms=
        "note|comment|comments|remarks|description|memo|notizen|bemerkung|bemerkungen|notas|commentaire|"
        "commentaires|remarques|comentarios|observaciones|osservazioni|observacoes|opmerkingen|uwagi|notatki"),
    CustomerField("next_follow_up_at", _("Next follow-up"), Kind.FOLLOW_UP, synonyms=
        "follow up|followup|follow up date|next contact|reminder|wiedervorlage|relance|seguimiento|proximo contacto"),
    # As one to the API, a merge and erasing; line by line to forms, files and the list.
    CustomerField("address", _("Address"), Kind.ADDRESS, is_importable=False, is_exported=False, is_column=False),
    _Place("street", _("Street"), part_length=200, is_column=False, synonyms=
        "street address|address|address 1|address line 1|address1|strasse|strasse und hausnummer|adresse|anschrift|"
        "rue|calle|direccion|domicilio|via|indirizzo|rua|endereco|straat|adres|ulica"),
    _Place("city", _("City"), part_length=100, synonyms=
        "town|ort|stadt|wohnort|ville|ciudad|poblacion|localidad|citta|comune|cidade|stad|plaats|woonplaats|miasto"),
    _Place("state", _("State"), part_length=100, is_column=False, import_label=_("State or county"), synonyms=
        "county|province|region|state county|bundesland|departement|provincia|estado|comunidad autonoma|regione|"
        "distrito|provincie|wojewodztwo"),
    _Place("postal_code", _("Postal code"), part_length=20, is_column=False, synonyms=
        "postcode|post code|zip|zip code|plz|postleitzahl|code postal|cp|codigo postal|cap|cep|codice postale|"
        "kod pocztowy"),
    _Place("country", _("Country"), part_length=100, synonyms="country name|land|pays|pais|paese|kraj|nation"),
    CustomerField("language", _("Language"), Kind.LINE, is_column=False, hint=_("Such as en or pt-BR."), synonyms=
        "lang|locale|sprache|langue|idioma|lingua|taal|jezyk"),
    CustomerField("do_not_contact", _("Do not contact"), Kind.OPT_OUT, is_column=False, synonyms=
        "dnc|opt out|opted out|unsubscribed|no contact"),
    _ReadOnly("created_at", _("Created"), Kind.MOMENT),
    _ReadOnly("updated_at", _("Changed"), Kind.MOMENT, header=_("Updated")),
    _ReadOnly("last_activity_at", _("Last activity"), Kind.MOMENT),
    # Each of them is a row of the organization's own (`custom.<key>`), which merge, files, list and filters take.
    CustomerField("custom_fields", _("Own fields"), Kind.CUSTOM, is_mergeable=False, is_importable=False,
        is_exported=False, is_column=False),
):  # fmt: skip
    FIELDS.register(_field)
