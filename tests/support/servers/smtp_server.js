// smtp-server as the tests run it. What it needs comes in the environment:
// PORT_IMPLICIT PORT_STARTTLS PORT_PLAIN, NAME (to greet with), CERTIFICATE (key and chain, PEM), KEPT (a folder), USER, PASSWORD, REFUSED
const fs = require('node:fs')
const path = require('node:path')
const { SMTPServer } = require('smtp-server')

const { NAME, CERTIFICATE, KEPT, USER, PASSWORD, REFUSED } = process.env
const pem = fs.readFileSync(CERTIFICATE)
let count = 0

// The enhanced status code is smtp-server's own.
function refusal(code, text) {
  return Object.assign(new Error(text), { responseCode: code })
}

function onAuth(auth, session, answer) {
  const isRight =
    auth.method === 'CRAM-MD5' ? auth.validatePassword(PASSWORD)
    : auth.method === 'XOAUTH2' ? auth.accessToken === PASSWORD
    : auth.password === PASSWORD
  if (auth.username === USER && isRight) return answer(null, { user: USER })
  if (auth.method === 'XOAUTH2') return answer(null, { data: { status: '401', schemes: 'bearer' } })
  answer(refusal(535, 'Wrong user or password'))
}

function onRcptTo(address, session, answer) {
  answer(address.address === REFUSED ? refusal(550, 'No such user here') : null)
}

// The reply waits until the file is whole: see kept.py.
function onData(stream, session, answer) {
  const name = `${process.pid}-${count++}`
  const unfinished = path.join(KEPT, `.${name}`)
  const file = fs.createWriteStream(unfinished)
  const { mailFrom, rcptTo } = session.envelope
  file.write([mailFrom.address, ...rcptTo.map((each) => each.address)].join('\n') + '\n\n')
  stream.pipe(file)
  file.on('close', () => {
    fs.renameSync(unfinished, path.join(KEPT, name))
    answer(null, 'Kept')
  })
}

const offers = { hideENHANCEDSTATUSCODES: false, hideDSN: false, hideREQUIRETLS: false, size: 200000000 }
const usual = { name: NAME, key: pem, cert: pem, authOptional: true, disableReverseLookup: true, ...offers, onAuth, onRcptTo, onData }
const mechanisms = ['PLAIN', 'LOGIN', 'XOAUTH2', 'CRAM-MD5']

function listen(port, own) {
  const server = new SMTPServer({ ...usual, authMethods: mechanisms, ...own })
  server.on('error', (error) => console.error(error)) // a client that breaks off is no reason to end
  server.listen(Number(port), '127.0.0.1')
}

listen(process.env.PORT_IMPLICIT, { secure: true })
listen(process.env.PORT_STARTTLS, {})
listen(process.env.PORT_PLAIN, { hideSTARTTLS: true, allowInsecureAuth: true })
