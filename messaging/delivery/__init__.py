"""What leaves, stage by stage; each file is one stage, and hands on rows of the database.

1. `drafts`: what is to be sent is made of a text or a template, and checked to be sendable at all.
2. `checks`: whether it may leave: reply window, suppressions, consent, channel. Asked twice: queued and due.
3. `queue`: a row with a due time, changed and cancelled until it is claimed.
4. `rates` and `sending`: claimed in turn, as fast as each sender may, and given to threads.
5. `request`: one claimed message is prepared by `outgoing`, marked as begun and handed to the provider.
6. `settling`: sent, failed or unconfirmed, behind the claim's fence.
7. `statuses`: what the provider reports later; a status only moves forward. `confirmation` asks about the unconfirmed.
"""
