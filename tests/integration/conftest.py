"""The real servers of the tests marked real_server.

Where one cannot be started the test is skipped, and says why. With SENDMAIL_CLI_REAL_SERVERS=required it fails instead:
.ci/run sets that, so that nothing is skipped there unseen.
"""

from collections.abc import Iterator

import pytest

from tests.support import debian_postfix as debian
from tests.support import dovecot as submission
from tests.support import kerberos, mail_world_plan
from tests.support import mail_world as small_internet
from tests.support import postfix as private
from tests.support import secret_service as secrets
from tests.support.required import skip_if
from tests.support.servers import dovecot as dovecot_server
from tests.support.servers import dovecot_introspecting, dovecot_lmtp, oidc_provider
from tests.support.servers.kind import RealServer
from tests.support.servers.registry import server_module
from tests.support.servers.running import Running
from tests.support.sink import Sink


@pytest.fixture(scope="session")
def postfix() -> Iterator[private.Postfix]:
    """A Postfix of our own with TLS and AUTH; tests share it, so each uses a fresh_recipient()."""
    skip_if(private.why_unavailable())
    with private.running_postfix() as server:
        yield server


@pytest.fixture(scope="session")
def mail_world(postfix: private.Postfix) -> Iterator[mail_world_plan.MailWorld]:
    """A small internet with a name server, web servers, and Postfix under its usual names and ports."""
    skip_if(small_internet.why_unavailable())
    with mail_world_plan.running_mail_world(postfix) as world:
        yield world


@pytest.fixture(scope="class")
def real_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The server that a class of tests.support.servers.matrix names."""
    module = server_module(request.cls.server)
    skip_if(module.missing())
    with module.start(tmp_path_factory.mktemp(request.cls.server)) as server:
        yield server


@pytest.fixture(scope="session")
def dovecot() -> Iterator[submission.Dovecot]:
    """A Dovecot where certificates sign in."""
    skip_if(submission.why_unavailable())
    with Sink() as relay, submission.running_dovecot(relay) as server:
        yield server


@pytest.fixture(scope="session")
def realm() -> Iterator[kerberos.Realm]:
    """A Kerberos realm with one user."""
    skip_if(kerberos.why_unavailable())
    with kerberos.running_realm() as running:
        yield running


@pytest.fixture(scope="session")
def realm_postfix(realm: kerberos.Realm) -> Iterator[private.Postfix]:
    """A Postfix where tickets of the realm sign in."""
    skip_if(private.why_unavailable())
    with private.running_postfix(realm.keytab, realm.configuration) as server:
        yield server


@pytest.fixture(scope="session")
def debian_postfix() -> Iterator[debian.DebianPostfix]:
    """Debian's Postfix on localhost:25 in namespaces of its own; shared like the other."""
    skip_if(debian.why_unavailable())
    with debian.running_debian_postfix() as server:
        yield server


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[oidc_provider.Provider]:
    """A provider of OAuth tokens."""
    skip_if(oidc_provider.missing() or dovecot_server.missing())
    with oidc_provider.start(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def server(provider: oidc_provider.Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A submission server that takes its tokens."""
    with dovecot_introspecting.start(tmp_path_factory.mktemp("dovecot"), provider) as running:
        yield running


@pytest.fixture
def secret_service() -> Iterator[secrets.SecretService]:
    """A Secret Service with an empty, unlocked collection: a new one for each test."""
    skip_if(secrets.why_unavailable())
    with secrets.running_secret_service() as service:
        yield service


@pytest.fixture
def locked_secret_service() -> Iterator[secrets.LockedSecretService]:
    """A Secret Service whose collection is locked and whose prompter never answers: a new one for each test."""
    skip_if(secrets.why_unavailable())
    with secrets.running_locked_secret_service() as service:
        yield service


@pytest.fixture(scope="module")
def lmtp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dovecot_lmtp.DovecotLmtp]:
    """Dovecot's LMTP server."""
    skip_if(dovecot_lmtp.missing())
    with dovecot_lmtp.start(tmp_path_factory.mktemp("lmtp")) as server:
        yield server
