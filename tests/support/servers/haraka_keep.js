'use strict'
// A plugin of Haraka: takes all recipients but REFUSED, and keeps messages in the folder KEPT (see kept.py).
const fs = require('node:fs')
const path = require('node:path')

exports.hook_lookup_rdns = (next) => next(OK, 'localhost') // nobody is asked who the client is

exports.hook_rcpt = (next, connection, params) => {
  if (params[0].address === process.env.REFUSED) return next(DENY, '5.1.1 No such user here')
  next(OK)
}

function keep(next, connection) {
  const { uuid, mail_from, rcpt_to, message_stream } = connection.transaction
  const unfinished = path.join(process.env.KEPT, `.${uuid}`)
  const file = fs.createWriteStream(unfinished)
  file.write([mail_from, ...rcpt_to].map((each) => each.address).join('\n') + '\n\n')
  file.on('close', () => {
    fs.renameSync(unfinished, path.join(process.env.KEPT, uuid))
    next(OK, 'Kept')
  })
  message_stream.pipe(file)
}

exports.hook_queue = keep
exports.hook_queue_outbound = keep // whoever has signed in may send anywhere
