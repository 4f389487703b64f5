// oidc-provider as the tests run it: it lets everybody sign in, under any name. What it needs is in the environment:
// MODULES (npm's folder), PORT, LIFETIME (of access tokens, seconds). Each thing that it does is a line of JSON on stdout.
import(`${process.env.MODULES}/oidc-provider/lib/index.js`).then(({ Provider }) => {
  const { PORT, LIFETIME } = process.env
  const person = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code']
  const native = { application_type: 'native', redirect_uris: ['http://127.0.0.1/'], grant_types: person }
  const provider = new Provider(`http://127.0.0.1:${PORT}`, {
    clients: [
      { client_id: 'public', token_endpoint_auth_method: 'none', ...native },
      { client_id: 'secretive', client_secret: 's3cret+of/the client', ...native },
      {
        client_id: 'machine', client_secret: 's3cret-of-the-machine', redirect_uris: [], response_types: [],
        grant_types: ['client_credentials'],
      },
      { client_id: 'dovecot', client_secret: 'dovecot', redirect_uris: [], response_types: [], grant_types: [] },
    ],
    scopes: ['openid', 'offline_access', 'mail'],
    features: {
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    extraTokenClaims: (_, token) => ({ username: token.accountId ?? 'alice@example.test' }),
    ttl: {
      AccessToken: Number(LIFETIME), ClientCredentials: Number(LIFETIME), DeviceCode: 600, RefreshToken: 3600,
      Grant: 3600, Session: 3600, Interaction: 600,
    },
  })
  const told = (what) => (ctx, error) => {
    const params = ctx.oidc?.params ?? {}
    console.log(JSON.stringify({ what, grant: params.grant_type, error: error?.error, detail: error?.error_detail }))
  }
  for (const what of ['grant.success', 'grant.error', 'grant.revoked', 'revocation.error', 'authorization.error']) {
    provider.on(what, told(what))
  }
  provider.use(async (ctx, next) => {
    if (ctx.path !== '/forget') return next()
    await (await provider.AccessToken.find(ctx.query.token)).destroy() // as if it had ended
    ctx.status = 204
  })
  provider.on('server_error', (_, error) => console.error(error))
  provider.listen(Number(PORT), '127.0.0.1')
})
