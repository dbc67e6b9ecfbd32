import { t } from 'tap'
import { mountOf, mountProblems } from '../src/network-mount.ts'

// As a Linux with NFS and SMB mounts writes them to /proc/self/mounts.
const MOUNTS = `/dev/vda1 / ext4 rw,relatime 0 0
server:/music /srv/my\\040music nfs4 ro,vers=4.2,rsize=1048576,namlen=255,hard,proto=tcp,sec=sys,addr=10.0.0.1 0 0
server:/cache /srv/cache nfs4 rw,vers=4.2,namlen=255,acregmin=1,acregmax=1,acdirmin=1,acdirmax=1,hard,proto=tcp,addr=10.0.0.1 0 0
server:/cache /srv/soft nfs rw,vers=3,namlen=255,soft,nocto,proto=tcp,addr=10.0.0.1 0 0
server:/cache /srv/direct nfs4 rw,sync,vers=4.1,namlen=255,noac,hard,addr=10.0.0.1 0 0
//server/cache /srv/smb cifs rw,vers=3.1.1,cache=strict,soft,nounix,actimeo=1,closetimeo=1 0 0
//server/cache /srv/loose cifs rw,vers=3.1.1,cache=loose,hard,acregmax=30,acdirmax=30 0 0
`

t.test('network file systems with options that the cache cannot live with are named', async t => {
  const problems = (path: string) => mountProblems(mountOf(MOUNTS, path) ?? { type: '', options: new Map() })
  t.equal(mountOf(MOUNTS, '/srv/my music/jazz')?.type, 'nfs4')
  t.equal(mountOf(MOUNTS, '/srv/cache2')?.type, 'ext4')
  t.same(problems('/srv/other'), [])
  t.same(problems('/srv/cache/audio'), [])
  t.same(problems('/srv/direct'), [])
  t.match(problems('/srv/soft'), [/^soft: /, /^nocto: /, /seen 60 s late.*actimeo=1/])
  t.match(problems('/srv/smb'), [/^soft: /])
  t.match(problems('/srv/loose'), [/^cache=loose: /, /seen 30 s late/])
})
