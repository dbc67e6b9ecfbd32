import { stat } from 'node:fs'
import { createServer } from 'node:http'

// Asks for one file and answers 304: what a replica does at the least, and it shares nothing with others.
const server = createServer((request, response) => {
  stat(process.argv[1], () => {
    response.writeHead(304, { etag: request.headers['if-none-match'] }).end()
  })
})
server.listen(0, '127.0.0.1', () => { console.log(`listening at http://127.0.0.1:${server.address().port}`) })
