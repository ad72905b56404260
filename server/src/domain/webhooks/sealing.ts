// Secrets that must be read back, as the database keeps them: encrypted, so that whoever reads the
// database, or a backup of it, cannot sign in our name. The key comes from the server's environment.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Secret, type Secrets } from '../../secret.ts'

const CIPHER = 'aes-256-gcm'
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16

interface Key {
  /** Tells which key encrypted something; it says nothing about the key. */
  id: Buffer
  key: Buffer
}

const keyOf = (secret: Secret): Key => {
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret.reveal(), '', `sealing:${purpose}`, bytes))
  return { id: derive('id', KEY_ID_BYTES), key: derive('key', 32) }
}

export interface Sealing {
  /** The first bytes of everything that is sealed now. */
  readonly keyId: Buffer
  /** `place` names the row: a sealed secret is of no use in another one. */
  seal(secret: Secret, place: string): Buffer
  /** Null: none of our keys fits, or the bytes were changed. */
  open(sealed: Buffer, place: string): Secret | null
}

/** The first of `secrets` seals, each of them opens. */
export const createSealing = (secrets: Secrets): Sealing => {
  const [current, ...former] = secrets
  const now = keyOf(current)
  const keys = [now, ...former.map(keyOf)]
  return {
    keyId: now.id,

    seal: (secret, place) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, now.key, nonce).setAAD(Buffer.from(place))
      const text = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()])
      return Buffer.concat([now.id, nonce, cipher.getAuthTag(), text])
    },

    open: (sealed, place) => {
      const id = sealed.subarray(0, KEY_ID_BYTES)
      const fitting = keys.find((key) => key.id.equals(id))
      if (fitting === undefined) return null
      const nonceEnd = KEY_ID_BYTES + NONCE_BYTES
      const tagEnd = nonceEnd + TAG_BYTES
      try {
        const decipher = createDecipheriv(
          CIPHER,
          fitting.key,
          sealed.subarray(KEY_ID_BYTES, nonceEnd),
          { authTagLength: TAG_BYTES },
        )
          .setAAD(Buffer.from(place))
          .setAuthTag(sealed.subarray(nonceEnd, tagEnd))
        const text = Buffer.concat([decipher.update(sealed.subarray(tagEnd)), decipher.final()])
        return new Secret(text.toString('utf8'))
      } catch {
        return null
      }
    },
  }
}
