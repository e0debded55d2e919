"""The words by which mail programs of many languages mark what they add to a person's own text.

Each table holds plain words; `replies` makes its patterns from them. A word that is missing costs only that a quote is
not folded, so the tables are wide and need not be complete.
"""

from __future__ import annotations

from typing import Final

# "On Monday, X wrote:", the verb.
WROTE: Final = (
    # Germanic
    "wrote", "writes", "has written", "schrieb", "schrieben", "hat geschrieben", "schreibt", "schreef", "geschreven",
    "schrijft", "skrev", "skreiv", "skriver", "skrifaði", "het geskryf", "skreau",
    # Romance
    "a écrit", "a ecrit", "écrivait", "écrit", "escribió", "escribio", "ha escrito", "escribiu", "va escriure",
    "ha escrit", "escreveu", "ha scritto", "scrisse", "scriveva", "scrive", "a scris", "idatzi du", "idatzi zuen",
    # Slavic
    "napisał", "napisała", "napisał(a)", "napisali", "pisze", "napsal", "napsala", "napsal(a)", "napísal", "napísala",
    "napísal(a)", "píše", "pisal", "pisala", "je napisal", "napisao", "napisala", "piše", "написао", "написала",
    "пише",
    "написал", "написала", "написал(а)", "пишет", "писал", "писала", "писал(а)", "написав", "написав(ла)", "писав",
    "написа", "напиша", "напісаў",
    # Baltic, Finnic, Hungarian
    "rašė", "parašė", "rakstīja", "kirjoitti", "kirjutas", "írta", "ezt írta", "írta be", "írt",
    # Others with letters
    "έγραψε", "έγραψαν", "έγραψες", "yazdı", "yazmış", "şunu yazdı", "şunları yazdı", "shkroi", "skribis", "menulis",
    "đã viết", "viết", "sumulat", "aliandika", "yazıb", "написаў", "գրել է", "დაწერა",
    # Without letters' case
    "كتب", "كتبت", "كتب/كتبت", "نوشت", "نوشته", "כתב", "כתבה", "כתב/ה", "‫כתב", "ने लिखा", "लिखा", "เขียน",
    "เขียนว่า",
    "写道", "寫道", "写到", "写了", "寫了", "撰写", "撰寫", "来信", "來信", "のメール", "書きました", "書いた",
    "さんは",
    "작성", "작성했습니다", "작성하였습니다", "썼습니다", "쓴 글", "님이 쓰셨습니다",
)  # fmt: skip

# "On Monday, X wrote:", the first word.
ON: Final = (
    "on", "am", "um", "le", "el", "il giorno", "il", "em", "a", "op", "den", "d.", "på", "w dniu", "dnia",
    "dne", "dňa",
    "în", "in data", "în data", "la", "на", "в", "у", "el dia", "el día", "no dia", "ngày", "vào", "vào ngày", "pada",
    "pada tanggal", "στις", "την", "tarihinde", "kl.", "kedy", "dana", "u", "dne", "v", "ja", "data", "il di", "al",
    "od", "on:", "am:", "em:", "ter", "vào lúc", "le:", "в ответ", "í", "þann", "kuupäeval", "viskas", "med",
    "在", "於", "于", "اليوم", "في", "בתאריך", "ב-", "ב", "ในวันที่", "เมื่อ", "op:", "í dag", "lúc",
)  # fmt: skip

WEEKDAYS: Final = (
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo", "di", "mi", "do", "fr", "sa", "so", "lun", "mar", "mer",
    "mié", "mie", "jeu", "jue", "ven", "vie", "sam", "sáb", "sab", "dim", "dom", "gio", "seg", "ter", "qua", "qui",
    "sex", "ma", "wo", "vr", "za", "zo", "mån", "tis", "ons", "tor", "fre", "lör", "sön", "man", "tir", "lør", "søn",
    "pon", "wt", "śr", "czw", "pt", "sob", "niedz", "po", "út", "st", "čt", "pá", "ne", "ut", "pi", "пн", "вт", "ср",
    "чт", "пт", "сб", "вс", "нд", "ke", "to", "pe", "la", "su", "ti", "hétfő", "kedd", "sze", "csüt", "pén", "szo",
    "δευ", "τρί", "τετ", "πέμ", "παρ", "σάβ", "κυρ", "pzt", "sal", "çar", "per", "cum", "cmt", "paz",
)  # fmt: skip

# "-----Original Message-----", what stands between the dashes.
ORIGINAL: Final = (
    "original message", "original mail", "original email", "original e-mail", "original text", "forwarded message",
    "forwarded by", "forward message", "forwarded email", "forwarded mail", "reply message", "message from",
    "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "original nachricht", "originale nachricht",
    "ursprüngliche mail", "weitergeleitete nachricht", "weitergeleitet von", "antwort weitergeleitet",
    "message original", "message d'origine", "message d’origine", "message initial", "message originel",
    "message transféré", "message transmis", "courriel original", "e-mail d'origine", "mail original",
    "mensaje original", "mensaje reenviado", "correo original", "missatge original", "missatge reenviat",
    "mensagem original", "mensagem encaminhada", "mensagem reencaminhada", "mensagem de origem", "mensaxe orixinal",
    "messaggio originale", "messaggio inoltrato", "messaggio originario", "messaggio di origine",
    "oorspronkelijk bericht", "oorspronkelijke bericht", "origineel bericht", "doorgestuurd bericht",
    "originele bericht", "origineel e-mailbericht", "ursprungligt meddelande", "originalmeddelande",
    "vidarebefordrat meddelande", "vidarebefordrat brev", "ursprungligt mail", "oprindelig meddelelse",
    "original meddelelse", "oprindelig besked", "videresendt meddelelse", "videresendt besked",
    "opprinnelig melding", "opprinnelig e-post", "original melding", "videresendt melding", "opprinneleg melding",
    "alkuperäinen viesti", "välitetty viesti", "edelleenlähetetty viesti", "algne kiri", "algsõnum",
    "oryginalna wiadomość", "wiadomość oryginalna", "pierwotna wiadomość", "wiadomość przekazana",
    "treść oryginalnej",
    "przekazana wiadomość", "původní zpráva", "původní e-mail", "přeposlaná zpráva", "pôvodná správa",
    "preposlaná správa", "eredeti üzenet", "továbbított üzenet", "eredeti levél", "mesaj original",
    "mesajul original",
    "mesaj redirecționat", "mesaj redirectionat", "mesaj transmis", "исходное сообщение", "оригинальное сообщение",
    "пересылаемое сообщение", "пересланное сообщение", "перенаправленное сообщение", "переадресованное сообщение",
    "исходное письмо", "вихідне повідомлення", "початкове повідомлення", "переслане повідомлення",
    "оригінальне повідомлення", "оригинално съобщение", "препратено съобщение", "оригинална порука",
    "прослеђена порука", "originalna poruka", "izvorna poruka", "proslijeđena poruka", "prosleđena poruka",
    "izvirno sporočilo", "posredovano sporočilo", "originalus laiškas", "originalus pranešimas",
    "persiųstas pranešimas", "oriģinālais ziņojums", "αρχικό μήνυμα", "προωθημένο μήνυμα", "orijinal mesaj",
    "özgün mesaj", "özgün ileti", "asıl ileti", "iletilen mesaj", "iletilmiş mesaj", "yönlendirilen mesaj",
    "tin nhắn gốc", "thư gốc", "thư chuyển tiếp", "pesan asli", "pesan terusan", "pesan diteruskan", "mesej asal",
    "ข้อความต้นฉบับ", "ข้อความที่ส่งต่อ", "الرسالة الأصلية", "رسالة أصلية", "رسالة معاد توجيهها", "رسالة محولة",
    "پیام اصلی", "הודעה מקורית",
    "ההודעה המקורית", "הודעה שהועברה", "原始邮件", "原始郵件", "邮件原件", "原邮件", "原郵件", "转发邮件",
    "转发的邮件", "轉寄的郵件", "轉寄郵件", "轉寄訊息", "轉寄的訊息", "已转发邮件", "原始信件", "原始消息",
    "原始訊息",
    "元のメッセージ", "転送メッセージ", "転送されたメッセージ", "オリジナルメッセージ", "original メッセージ",
    "원본 메시지", "원본 메일", "원본메시지", "전달된 메시지", "전달된 메일", "원래 메시지", "मूल संदेश",
    "jatorrizko mezua",
    "upprunaleg skilaboð", "antwortnachricht", "réponse originale",
)  # fmt: skip

# A line of its own that begins a mail passed on, without dashes.
BEGIN_FORWARDED: Final = (
    "begin forwarded message", "start of forwarded message", "anfang der weitergeleiteten", "anfang der weitergeleit",
    "beginn der weitergeleiteten nachricht", "début du message réexpédié", "début du message transféré",
    "inicio del mensaje reenviado", "comienzo del mensaje reenviado", "início da mensagem reencaminhada",
    "início da mensagem encaminhada", "inizio messaggio inoltrato", "begin doorgestuurd bericht",
    "vidarebefordrat brev", "vidarebefordrat meddelande", "videresendt meddelelse", "start på videresendt besked",
    "start på videresendt melding", "videresendt melding", "välitetty viesti alkaa",
    "początek przekazanej wiadomości",
    "začátek přeposlané zprávy", "začiatok preposlanej správy", "továbbított levél kezdete",
    "начало переадресованного",
    "начало перенаправленного", "початок листа", "αρχή προωθημένου μηνύματος", "iletilmiş mesajın başlangıcı",
    "yönlendirilen iletinin başlangıcı", "下面是被转发的邮件", "以下是轉寄的郵件", "開始轉寄郵件", "转发的邮件",
    "転送されたメッセージ", "전달된 메시지", "meneruskan pesan", "bắt đầu thư được chuyển tiếp",
)  # fmt: skip

# The names of header lines, by their meaning.
HEADER_NAMES: Final = {
    "from": (
        "from", "von", "de", "da", "van", "från", "fra", "od", "lähettäjä", "від", "від кого", "от", "от кого",
        "feladó", "expéditeur", "remitente", "mittente", "afzender", "avsändare", "afsender", "avsender", "nadawca",
        "odesílatel", "odosielateľ", "gönderen", "kimden", "από", "发件人", "發件人", "寄件者", "寄件人", "差出人",
        "送信元", "送信者", "보낸 사람", "보낸사람", "발신", "발신자", "từ", "người gửi", "dari", "จาก", "من",
        "מאת", "de la",
        "pošiljatelj", "šalje", "nuo", "no", "saatja", "kellelt", "frá", "expeditor", "sender", "отправитель", "з",
        "од", "prejemnik", "absender", "remetente", "lähettänyt", "från:", "फ्रॉम", "de part",
    ),
    "date": (
        "date", "sent", "sent at", "datum", "gesendet", "gesendet am", "envoyé", "envoyé le", "envoyé par", "enviado",
        "enviado el", "enviado em", "enviada em", "enviada", "enviado a las", "fecha", "fecha de envío", "data",
        "inviato", "data invio", "verzonden", "verzonden op", "verstuurd", "skickat", "skickades", "dato", "sendt",
        "sendt den", "päiväys", "päivä", "päivämäärä", "lähetetty", "wysłano", "wysłane", "odesláno", "odoslané",
        "elküldve", "dátum", "küldve", "отправлено", "дата", "дата отправки", "надіслано", "відправлено",
        "gönderildi",
        "gönderim", "tarih", "gönderme tarihi", "gönderilme tarihi", "ημερομηνία", "στάλθηκε", "εστάλη", "发送时间",
        "發送時間", "发送日期", "日期", "时间", "時間", "傳送時間", "寄件日期", "已傳送", "已发送", "送信日時",
        "日時",
        "送信", "日付", "보낸 날짜", "날짜", "전송됨", "보낸날짜", "일시", "발신일", "đã gửi", "ngày", "đã gửi lúc",
        "tanggal", "dikirim", "วันที่", "ส่งเมื่อ", "ส่ง", "تاريخ", "التاريخ", "تاريخ الإرسال", "נשלח", "תאריך",
        "trimis",
        "poslano", "послато", "изпратено", "saadetud", "kuupäev", "išsiųsta", "nosūtīts", "enviat", "enviat el",
        "giorno", "date d'envoi", "when", "sendt:", "time", "à la date du",
    ),
    "to": (
        "to", "an", "à", "a", "para", "per", "till", "til", "aan", "do", "komu", "pre", "vastaanottaja", "кому",
        "получатель", "címzett", "destinataire", "destinatario", "destinatário", "kime", "alıcı", "προς", "收件人",
        "收件者", "宛先", "受信者", "받는 사람", "받는사람", "수신", "수신자", "đến", "tới", "người nhận",
        "kepada", "untuk", "ถึง", "إلى",
        "אל", "către", "za", "kam", "kellele", "saaja", "adresat", "odbiorca", "příjemce", "do:", "prima", "for",
        "do kogo", "до", "per a", "a:", "empfänger", "ontvanger", "mottagare", "modtager", "mottaker",
    ),
    "subject": (
        "subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne", "aihe", "temat",
        "předmět", "predmet", "tárgy", "тема", "konu", "θέμα", "主题", "主題", "件名", "主旨", "標題", "标题", "제목",
        "chủ đề", "tiêu đề", "perihal", "subjek", "เรื่อง", "الموضوع", "موضوع", "נושא", "הנדון", "subiect",
        "tema", "naslov",
        "teema", "efni", "относно", "assumpte", "asuntu", "zadeva", "naslov poruke", "предмет", "re",
    ),
    "other": (
        "cc", "bcc", "kopie", "copie", "copie à", "copia", "cópia", "kopia", "kopio", "копия", "копія", "másolat",
        "bilgi", "κοιν", "κοιν.", "κοινοποίηση", "抄送", "副本", "참조", "dw", "udw", "cci", "cco", "ccn", "reply-to",
        "reply to", "répondre à", "antwort an", "antworten an", "risposta", "rispondi a", "responder a", "importance",
        "attachments", "anhänge", "anlagen", "pièces jointes", "allegati", "adjuntos", "anexos", "priority",
        "wichtigkeit", "priorität", "categories", "mailed-by", "organization", "newsgroups", "message-id",
        "x-mailer", "resent-from", "resent-to", "list-id", "in reply to", "delivered-to", "content-type",
        "kopi", "kopi til", "svar til", "svara till", "odpověď", "kopiować", "importancia", "importância", "q",
    ),
}  # fmt: skip

# "Sent from my iPhone", the first word or words.
SENT: Final = (
    "gesendet", "von meinem", "von meiner", "versendet",
    "verschickt", "diese nachricht wurde", "diese e-mail wurde", "diese mail wurde", "envoyé", "envoyée", "envoye",
    "enviado", "enviada", "enviat", "inviato",
    "inviata", "verzonden", "verstuurd", "gestuurd", "skickat", "skickad",
    "skickades", "sendt", "lähetetty", "lähetin", "wysłane", "wysłano", "wysłana",
    "odesláno", "odoslané", "poslano", "poslato", "послато", "elküldve", "küldve",
    "отправлено", "отослано", "послано", "надіслано", "відправлено", "изпратено", "trimis", "στάλθηκε",
    "εστάλη", "απεστάλη", "gönderildi", "saadetud", "išsiųsta", "nosūtīts", "dikirim", "đã gửi", "được gửi", "gửi từ",
    "ส่งจาก", "ส่งจากฉัน", "أُرسلت", "أرسلت", "تم الإرسال", "مرسل", "נשלח", "ارسال شده", "igorria", "bidalia",
    "sendita",
    "发自", "發自", "来自", "來自", "從我的", "从我的", "使用", "传送自", "傳送自", "寄自",
    "送信", "iphoneから", "ipadから", "androidから", "나의", "내", "보낸", "에서 보냄",
    "نُشر", "תישלח", "أُرسِل",
)  # fmt: skip

# "Get Outlook for iOS", the first word.
GET: Final = (
    "get", "download", "télécharger", "téléchargez", "obtenez", "obtenir", "obtener", "obtén", "obter", "obtenha",
    "scarica", "ottieni", "downloaden", "ontvang", "hämta", "skaffa", "hent", "få", "hanki", "hae", "pobierz",
    "получить", "скачать", "získejte", "získať", "отримати", "获取", "取得", "下載", "laden sie", "holen sie sich",
    "outlook für ios", "загрузить", "stiahnuť", "stáhnout", "indir", "letöltése", "obțineți", "descărcați",
)  # fmt: skip

# "Sent from my iPhone", the thing it was sent by.
DEVICES: Final = (
    "iphone", "ipad", "ipod", "ios", "apple watch", "macbook", "imac", "android", "smartphone", "mobile",
    "mobil", "mobilgerät", "mobiltelefon", "mobieltje", "mobiele", "móvil", "móbil", "telemóvel", "celular",
    "telefon", "telefono", "teléfono", "téléphone", "telephone", "telefoon", "puhelin", "puhelimesta",
    "handset", "handheld", "tablet", "tablette", "galaxy", "samsung", "huawei", "xiaomi", "redmi", "htc", "nokia",
    "xperia", "motorola", "oneplus", "lumia", "alcatel", "zte", "oppo",
    "blackberry", "treo", "kindle", "fairphone", "outlook", "hotmail", "windows", "yahoo", "gmail",
    "airmail", "mailbox", "proton", "protonmail", "proton mail", "tutanota", "k-9", "k9",
    "thunderbird", "aquamail", "bluemail", "mailspring", "superhuman", "fastmail", "postbox", "sparrow", "cloudmagic",
    "typeapp", "typemail", "mymail", "mail.ru", "почты", "яндекс", "yandex", "zoho", "aol", "gmx",
    "web.de", "t-online", "libero", "freenet", "laptop", "ti-85", "t-mobile",
    "verizon", "at&t", "vodafone", "мобильного", "мобильной", "телефона", "смартфона", "айфона",
    "мобільного", "телефону", "планшета", "κινητό", "κινητού", "手机", "手機", "邮箱", "郵箱", "携帯", "아이폰",
    "모바일",
    "הנייד", "הטלפון", "הסלולרי", "سامسونج", "جهاز", "هاتفي", "الآيفون", "puhelimestani", "telefonumdan", "telefonem",
    "telefonu", "mobilu", "mobila", "mobilen", "telefonen", "telefonról", "készülékemről",
    "mobiel", "mail orange", "mail für", "mail pour", "mail para", "mail per", "mail voor", "handheld-apparaat",
    "iphonu",
)  # fmt: skip

# A line that our own mails or other desks carry above the quoted part.
ABOVE: Final = (
    "reply above this line", "type your reply above this line", "please type your reply above",
    "write above this line", "reply above this line to respond", "please reply above this line",
    "bitte antworten sie oberhalb dieser linie", "antworten sie oberhalb dieser zeile",
    "répondez au-dessus de cette ligne", "escriba su respuesta sobre esta línea",
    "responda acima desta linha", "rispondi sopra questa riga", "typ uw antwoord boven deze regel",
)  # fmt: skip

GREETINGS: Final = (
    "hi", "hello", "hey", "dear", "hallo", "liebe", "lieber", "guten", "sehr geehrte", "bonjour", "salut", "cher",
    "chère", "hola", "buenos", "buenas", "olá", "ola", "oi", "ciao", "buongiorno", "gentile", "beste", "dag", "hej",
    "hei", "cześć", "dzień dobry", "ahoj", "dobrý den", "привет", "здравствуйте", "привіт", "вітаю", "добрый",
    "γεια", "merhaba", "szia", "kedves", "moi", "tere", "こんにちは", "您好", "你好", "안녕하세요", "שלום", "مرحبا",
)  # fmt: skip
