"""Bodies of the SpamAssassin public mail corpus as labelled lines: `mails.py PACKAGE/data > mails.jsonl`.

Header, markup, quoted lines and signatures are taken off, so that the mail program is not what is learned; addresses and
links are masked. A body said before is left out.
"""
import email, glob, html, json, re, sys

said = set()
for folder, label in [("easy-ham-1", "not_ad"), ("easy-ham-2", "not_ad"), ("hard-ham-1", "not_ad"), ("spam-1", "ad"), ("spam-2", "ad")]:
    for path in sorted(glob.glob(f"{sys.argv[1]}/{folder}/*.json")):
        message = email.message_from_string(json.load(open(path, encoding="utf-8"))["text"])
        parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
        plain = [part for part in parts if part.get_content_subtype() == "plain"] or parts
        text = ""
        for part in plain[:1]:
            body = part.get_payload(decode=True) or b""
            text = body.decode("utf-8", "replace")
            if "<" in text and part.get_content_subtype() == "html":
                text = html.unescape(re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", text))
        text = re.split(r"\n(?:-- ?|_{20,}|-{20,})\n", text)[0]
        lines = [line for line in text.splitlines() if not re.match(r"\s*(>|On .* wrote:|.* writes:)", line)]
        text = re.sub(r"\S+@\S+", "user@example.org", re.sub(r"(?i)(https?://|www\.)\S+", "https://example.org", "\n".join(lines)))
        text = re.sub(r"\s+", " ", text).strip()[:3000]
        if len(text) >= 100 and "\ufffd" not in text and text not in said:
            said.add(text)
            print(json.dumps({"text": text, "label": label, "lang": "en"}))
