"""`make mutants`: wrong changes that the tests have to notice, one after the other; run by hand.

Each is a file, a text in it, the wrong text, and the tests that fail for it. A change that passes them is a survivor:
the tests are blind there. The tree has to be clean; each change is taken back.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutant:
    """A wrong change, and the tests that notice it."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str
    # Whether only PostgreSQL shows it: then DATABASE_URL has to name one.
    needs_postgresql: bool = False


MUTANTS = [
    Mutant(
        "a colleague is anybody of any team", "customers/models/querysets.py",
        'team_id__in=Member.teams.through._base_manager.filter(member_id=member.pk).values("team_id")',
        "team_id__isnull=False", "tests/crm_project/test_second_team.py",
    ),
    Mutant(
        "our own answer lengthens the reply window", "messaging/models/conversation.py",
        "expires = self.last_inbound_at + window",
        "expires = max(self.last_inbound_at, self.last_outbound_at or self.last_inbound_at) + window",
        "tests/messaging/threads/test_window.py",
    ),
    Mutant(
        "do-not-contact is lost in a merge", "customers/data/merging/services.py",
        "return FROM if loser.do_not_contact else INTO", "return INTO",
        "tests/customers/data/test_merge_keeps.py tests/customers/data/test_merging.py",
    ),
    Mutant(
        "the older last activity is kept in a merge", "customers/data/merging/services.py",
        "max(survivor.last_activity_at, loser.last_activity_at)",
        "min(survivor.last_activity_at, loser.last_activity_at)", "tests/customers/data/test_merge_keeps.py",
    ),
    Mutant(
        "statuses go back", "messaging/delivery/statuses.py", "_RANK[wanted] > _RANK[current]",
        "_RANK[wanted] != _RANK[current]", "tests/messaging/delivery/test_status_order.py",
    ),
    Mutant(
        "failed after delivered", "messaging/delivery/statuses.py",
        "return current in (Status.QUEUED, Status.SENDING, Status.UNCONFIRMED, Status.SENT)",
        "return current in (Status.QUEUED, Status.SENDING, Status.UNCONFIRMED, Status.SENT, Status.DELIVERED)",
        "tests/messaging/delivery/test_status_order.py",
    ),
    Mutant(
        "a cancel does not ask whether the request has left", "messaging/delivery/queue.py",
        "Q(status=Message.Status.SENDING, request_began_at=None)", "Q(status=Message.Status.SENDING)",
        "tests/messaging/delivery/test_cancel_race.py",
    ),
    Mutant(
        "a webhook is taken whatever its signature", "messaging/intake/unverified.py",
        "if proof is not None and provider.verify(proof, body, credentials):", "if proof is not None:",
        "tests/messaging/channels/test_toy_provider.py",
    ),
    Mutant(
        "a message that was cancelled is sent", "messaging/delivery/request.py",
        "rows = Message.objects.filter(pk=message.pk, claim_token=message.claim_token, due_at__gt=now)",
        "rows = Message.objects.filter(pk=message.pk)", "tests/messaging/delivery/test_cancel_race.py",
    ),
    Mutant(
        "tasks of a deleted customer stay visible to who has them", "customers/models/querysets.py",
        "own = Q(assigned_to=member.user_id) & (Q(customer__isnull=True) | Q(customer__deleted_at__isnull=True))",
        "own = Q(assigned_to=member.user_id)", "tests/customers/work/test_tasks_of_the_deleted.py",
    ),
    Mutant(
        "a stream keeps its request's connection", "crm_project/asgi.py", "                close_old_connections()",
        "                pass", "tests/processes/test_streams.py", needs_postgresql=True,
    ),
    Mutant(
        "a failed look ends the stream", "messaging/inbox/live_updates.py", "watcher.send(PAUSED)",
        "watcher.send(None)", "tests/messaging/inbox/test_live_views.py",
    ),
    Mutant(
        "a look reaches everybody's records", "customers/models/querysets.py",
        "return self.everybody or (self.nobody if owner is None else owner in self.users)", "return True",
        "tests/messaging/inbox/test_live_views.py",
    ),
    Mutant(
        "every fault is an outage", "core/outage.py",
        "    if not isinstance(error, OperationalError | InterfaceError):\n        return False",
        "    if error is None:\n        return False", "tests/core/test_outage.py", needs_postgresql=True,
    ),
    Mutant(
        "a stored secret goes to a new server", "messaging/settings/services.py",
        "if field.is_secret and is_kept and not after[field.key] <= before[field.key]:", "if False:",
        "tests/messaging/settings/test_channel_secrets.py",
    ),
    Mutant(
        "a new password leaves tokens alive", "accounts/credentials/validators.py",
        "        if isinstance(user, User):",
        "        if user is None:", "tests/accounts/credentials/test_passwords.py",
    ),
    Mutant(
        "a narrow key is its member", "accounts/access/api.py", "member.scopes = frozenset(request.auth.scopes)",
        "member.scopes = None", "tests/crm_project/test_intruders.py",
    ),
    Mutant(
        "an address inside an address is not looked at", "core/net.py",
        "if inside is not None and not _is_public_v4(inside):", "if False:", "tests/core/test_net.py",
    ),
    Mutant(
        "half a name in a filter stays after erasing", "customers/data/personal_data/traces.py",
        "self._searches[text] = is_theirs and not found.exclude(theirs).exists()",
        "self._searches[text] = False", "tests/customers/data/test_erasure.py",
    ),
    Mutant(
        "what kills its worker is tried for ever", "core/queues.py", "if row.lost_claims >= MAX_LOST:", "if False:",
        "tests/core/test_queues.py",
    ),
    Mutant(
        "a lost claim is an attempt", "core/claims.py",
        'Case(When(claim_token__isnull=True, then=Value(int(is_attempt))), default=Value(0))',
        "Value(int(is_attempt))", "tests/core/test_claims.py tests/messaging/intake/test_killers.py",
    ),
    Mutant(
        "a restored copy sends", "activity/installation.py", "return row is not None", "return False",
        "tests/messaging/delivery/test_restored_copy.py",
    ),
    Mutant(
        "both changed, and nobody asks", "core/inline.py", "return was != digest(_plain(value))", "return False",
        "tests/customers/page/test_inline_conflicts_views.py",
    ),
    Mutant(
        "a list of nobody known shows one's own", "customers/work/tasks/queries.py",
        "return rows.none()", "return rows",
        "tests/customers/people/test_refused_filters_views.py",
    ),
]  # fmt: skip


def main() -> None:
    """Try each, or those whose name has one of the words given; exit code 1 where one survives."""
    chosen = [one for one in MUTANTS if not sys.argv[1:] or any(word in one.name for word in sys.argv[1:])]
    if "postgres" not in os.environ.get("DATABASE_URL", ""):
        for one in [one for one in chosen if one.needs_postgresql]:
            print(f"left out  {one.name}: DATABASE_URL names no PostgreSQL")
        chosen = [one for one in chosen if not one.needs_postgresql]
    survivors = [one.name for one in chosen if not is_noticed(one)]
    print(f"{len(chosen)} wrong changes, {len(survivors)} not noticed{':' if survivors else '.'}")
    for name in survivors:
        print(f"  {name}")
    sys.exit(1 if survivors else 0)


def is_noticed(mutant: Mutant) -> bool:
    path = ROOT / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        sys.exit(f"{mutant.file} does not hold this once: {mutant.right}")
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")
    try:
        line = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not browser and not fuzz", *mutant.tests.split()]
        code = subprocess.run(line, cwd=ROOT, check=False, capture_output=True).returncode
    finally:
        path.write_text(text, encoding="utf-8")
    print(f"{'noticed' if code == 1 else f'SURVIVES ({code})'}  {mutant.name}", flush=True)
    return code == 1


if __name__ == "__main__":
    main()
