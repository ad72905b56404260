// What the bundled server starts with. It has no modules to load, and so needs none of `start.js`.

import { main } from '../../server/src/main.ts'

void main()
