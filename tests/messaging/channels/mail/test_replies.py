"""What a person wrote is kept, what programs added is folded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from messaging.channels.mail.replies import fold

REPLIES = Path(__file__).resolve().parents[4].parent / "shared" / "mail" / "replies"
ANSWER = "Hello there, this is my answer."
QUOTE = "> Some quoted text\n> and more\n>\n> Regards\n"
EARLIER = "\n\nEarlier text.\nOf many lines.\n\nEnd."

INTRODUCTIONS = [
    "On Mon, 3 Feb 2020 at 10:15, Jane Roe <jane@example.com> wrote:",
    "On Monday, February 3, 2020, Jane Roe <\njane@example.com> wrote:",
    "Le lun. 3 févr. 2020 à 10:15, Jane Roe <jane@example.com> a écrit :",
    "El lun., 3 feb. 2020 a las 10:15, Jane Roe (<jane@example.com>)\nescribió:",
    "Il giorno lun 3 feb 2020 alle ore 10:15 Jane Roe <jane@example.com> ha scritto:",
    "Em seg., 3 de fev. de 2020 às 10:15, Jane Roe <jane@example.com> escreveu:",
    "Am Mo., 3. Feb. 2020 um 10:15 Uhr schrieb Jane Roe <jane@example.com>:",
    "Jane Roe <jane@example.com> schrieb am Mo., 3. Feb. 2020, 10:15:",
    "Op ma 3 feb. 2020 om 10:15 schreef Jane Roe <jane@example.com>:",
    "Den mån 3 feb. 2020 kl 10:15 skrev Jane Roe <jane@example.com>:",
    "ma 3. helmik. 2020 klo 10.15 Jane Roe (jane@example.com) kirjoitti:",
    "pon., 3 lut 2020 o 10:15 Jane Roe <jane@example.com> napisał(a):",
    "po 3. 2. 2020 v 10:15 odesílatel Jane Roe <jane@example.com> napsal:",
    "пн, 3 февр. 2020 г. в 10:15, Jane Roe <jane@example.com>:",
    "Jane Roe <jane@example.com> ezt írta (időpont: 2020. febr. 3., H,\n10:15):",
    "Στις Δευ, 3 Φεβ 2020 στις 10:15 π.μ., ο χρήστης Jane Roe\n<jane@example.com> έγραψε:",
    "Jane Roe <jane@example.com>, 3 Şub 2020 Pzt, 10:15 tarihinde şunu yazdı:",
    "2020年2月3日(月) 10:15 Jane Roe <jane@example.com>:",
    "2020년 2월 3일 (월) 오전 10:15, Jane Roe <jane@example.com>님이 작성:",
    "Jane Roe <jane@example.com> 于2020年2月3日周一 10:15写道：",
    "בתאריך יום ב׳, 3 בפבר׳ 2020 ב-10:15 מאת Jane Roe <jane@example.com>:",
    "---- On Mon, 03 Feb 2020 10:15:00 +0100 Jane Roe <jane@example.com> wrote ----",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_a_quote_is_folded_in_any_language(introduction):
    for text in (
        f"{ANSWER}\n\n{introduction}\n\n{QUOTE}",
        f"{introduction}\n\n{QUOTE}\n{ANSWER}\n",
        f"{ANSWER}\n\n{introduction}{EARLIER}",
    ):
        assert fold(text)[0].strip() == ANSWER


HEADS = [
    "From: Jane <jane@example.com>\nSent: Monday, February 3, 2020\nTo: John\nSubject: It",
    "Von: Jane\nGesendet: Montag, 3. Februar 2020\nAn: John\nBetreff: AW: It",
    "De : Jane\nEnvoyé : lundi 3 février 2020\nÀ : John\nObjet : RE: It",
    "Od: Jane\nWysłano: poniedziałek, 3 lutego 2020\nDo: John\nTemat: It",
    "发件人: Jane\n发送时间: 2020年2月3日\n收件人: John\n主题: It",
    "*From:* Jane <jane@example.com>\n*Sent:* Monday\n*To:* John\n*Subject:* It",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "-------- Message d'origine --------",
    "---------- Forwarded message ---------\nFrom: Jane",
    "Begin forwarded message:",
    "##- Please type your reply above this line -##",
]


@pytest.mark.parametrize("head", HEADS)
def test_an_embedded_mail_is_folded_from_its_head(head):
    reply, folded = fold(f"{ANSWER}\n\n{head}{EARLIER}")
    assert reply == ANSWER
    assert folded.endswith("End.")


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJane Roe\nTelephone 1",
        "_______________________________\nJane Roe\nTelephone 1",
        "Sent from my iPhone",
        "Gesendet mit der GMX iPhone App",
        "Envoyé de mon iPad",
        "Verstuurd vanaf mijn mobiel",
        "Отправлено с iPhone",
        "iPhoneから送信",
        "发自我的 iPhone",
        "Get Outlook for iOS",
    ],
)
def test_a_signature_is_folded(signature):
    reply, folded = fold(f"{ANSWER}\n\n{signature}")
    assert (reply, folded) == (ANSWER, signature.replace("-- ", "--") if signature.startswith("-- ") else signature)


@pytest.mark.parametrize(
    "text",
    [
        "Shopping list:\n\n- milk\n- bread",
        "From: what I know, it is\nfine.",
        "On 5 May I wrote to John the following:\n\nplease come.\n\nHe did.",
        "Title\n=====\n\nText under it\n\nmore",
        "Hi,\n\n> quoted\nYes.\n\n> other\nNo.",
        "Dear team,\nwe need: 10 pieces\nprice: 12\ndate: tomorrow\nIs it possible?",
        "```\n> code\n--\n# more\n```\n\nThat was it.",
        "Thanks.\n\nSend me a mail tomorrow",
        "> only a quote",
    ],
)
def test_what_a_person_wrote_stays(text):
    assert fold(text) == (text, "")


def test_answers_between_the_lines_stay():
    reply, _ = fold("On 3 Feb 2020, at 10:15, Jane <j@example.com> wrote:\n\n> one\n\nYes.\n\n> two\n\nNo.")
    assert reply == "> one\n\nYes.\n\n> two\n\nNo."


def test_a_signed_mail_is_read_without_its_marks():
    text = (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{ANSWER}\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----"
    )
    assert fold(text)[0] == ANSWER


@pytest.mark.parametrize(
    "text",
    [
        ">\n" * 5_000_000,
        ">" * 10_000_000,
        ("On 1 2020 " * 50 + "\n") * 2000,
        "- " * 500_000 + "x",
        "--\n" * 50_000,
        ("From: x\n\n") * 50_000,
        "a@b 10:10 wrote:\n" * 50_000,
        ("<" * 900 + "\n") * 900,
        ("*" * 990 + "a\n") * 1000,
        ("sent from " + "x " * 70 + "\n") * 5000,
    ],
    ids=["quotes", "one quote", "on", "dashes", "signatures", "heads", "introductions", "brackets", "stars", "sent"],
)
def test_hostile_text_takes_linear_time(text):
    began = time.process_time()
    fold(text)
    assert time.process_time() - began < 3


def _same(text):
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def test_real_mails_come_out_as_expected():
    if not REPLIES.exists():
        pytest.skip("needs ../shared/mail/replies, which is not part of the repository")
    paths = sorted((REPLIES / "emails").glob("*.txt"))
    wrong = [
        path.name
        for path in paths
        if _same(fold(path.read_text())[0]) != _same((REPLIES / "trimmed" / path.name).read_text())
    ]
    assert len(wrong) <= len(paths) * 5 // 100, wrong
