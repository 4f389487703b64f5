// Reads the messages 0.eml, 1.eml, ... of a folder with npm's mailparser and prints what reading.py calls a Reading,
// a line of JSON each: node mailparser.js FOLDER COUNT
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const libmime = require('libmime')
const { parseAddressHeader, simpleParser } = require('mailparser')

const OPTIONS = { skipHtmlToText: true, skipTextToHtml: true, keepCidLinks: true, checksumAlgo: false, maxChildNodes: 20000 }
const ADDRESS_FIELDS = ['from', 'sender', 'to', 'cc', 'reply-to', 'disposition-notification-to']

function people(value) {
  // The domain as it stands in the header
  return parseAddressHeader(value, { decodePunycode: false }).value.map(each =>
    each.group
      ? [each.name, each.group.map(member => [member.name, member.address])]
      : [each.name, each.address]
  )
}

function fieldsOf(mail) {
  const fields = {}
  for (const { key, line } of mail.headerLines) {
    const value = line.slice(line.indexOf(':') + 1).replace(/\r?\n/g, '')
    fields[key] = ADDRESS_FIELDS.includes(key) ? people(value) : libmime.decodeWords(value).trim()
  }
  // What it has decoded itself
  return { ...fields, ...('subject' in mail ? { subject: mail.subject } : {}) }
}

async function partOf(attachment) {
  const isMessage = attachment.contentType === 'message/rfc822'
  return {
    type: attachment.contentType,
    name: attachment.filename ?? '',
    sha256: crypto.createHash('sha256').update(attachment.content).digest('hex'),
    content_id: attachment.contentId ?? '',
    message: isMessage ? await read(attachment.content) : null,
  }
}

async function read(octets) {
  const mail = await simpleParser(octets, OPTIONS)
  const parts = []
  for (const attachment of mail.attachments) parts.push(await partOf(attachment))
  return { fields: fieldsOf(mail), text: mail.text || '', html: mail.html || '', parts }
}

async function main(folder, count) {
  for (let number = 0; number < count; number++) {
    const reading = await read(fs.readFileSync(path.join(folder, `${number}.eml`)))
    process.stdout.write(JSON.stringify(reading) + '\n')
  }
}

main(process.argv[2], Number(process.argv[3]))
