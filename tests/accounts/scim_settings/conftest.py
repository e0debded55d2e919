from tests.accounts.scim.conftest import okta as okta
