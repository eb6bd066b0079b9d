/* global document, Intl, navigator, RTCPeerConnection, screen */
'use strict'

/** How long a browser may take to find its own addresses, ms. */
const GATHERING = 3000

const list = document.getElementById('script')

const show = (name, value, isBad) => {
  const title = document.createElement('dt')
  const text = document.createElement('dd')
  title.textContent = name
  text.textContent = value
  if (isBad === true) text.className = 'bad'
  if (isBad === false) text.className = 'good'
  list.append(title, text)
}

/** Every address that WebRTC would tell a page, without asking anybody else. */
const addressesOfWebRtc = async () => {
  const connection = new RTCPeerConnection({ iceServers: [] })
  const found = []
  const done = new Promise(resolve => {
    setTimeout(resolve, GATHERING)
    connection.onicecandidate = ({ candidate }) => candidate === null ? resolve() : found.push(candidate.candidate.split(' ')[4])
  })
  connection.createDataChannel('')
  await connection.setLocalDescription(await connection.createOffer())
  await done
  connection.close()
  return [...new Set(found.filter(address => address !== undefined && address !== ''))]
}

const webRtc = async () => {
  if (typeof RTCPeerConnection === 'undefined') return show('WebRTC', 'Off: it cannot connect past the proxy.', false)
  try {
    const addresses = await addressesOfWebRtc()
    if (addresses.length === 0) return show('WebRTC', 'On, but it offers no address of its own: it does not connect past the proxy.', false)
    document.querySelector('h1').append(', but WebRTC goes past it')
    show('WebRTC', `It would connect past the proxy, and show your address to sites (it offers ${addresses.join(', ')}). Switch it off as the start page says.`, true)
  } catch (error) {
    show('WebRTC', `It does not work here (${error.name}).`, false)
  }
}

list.replaceChildren()
show('Languages', navigator.languages.join(', '))
show('Time zone', Intl.DateTimeFormat().resolvedOptions().timeZone)
show('Screen', `${screen.width} × ${screen.height}, ${screen.colorDepth} bits`)
show('System', `${navigator.platform}, ${navigator.hardwareConcurrency} processors`)
webRtc()
