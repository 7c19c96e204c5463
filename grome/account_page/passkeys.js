const toBytes = (encoded) =>
  Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = (credentials) => (credentials ?? []).map((credential) => ({ ...credential, id: toBytes(credential.id) }));

export const passkeysWork = () => "PublicKeyCredential" in window;

/** Let the person make a passkey, and return the answer for the API. Throws NotAllowedError if the person cancels. */
export async function createPasskey(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: withBytes(options.excludeCredentials),
    },
  });
  const { clientDataJSON, attestationObject } = made.response;
  return answer(made, { clientDataJSON, attestationObject }, { transports: made.response.getTransports?.() ?? [] });
}

/** Let the person prove a passkey, and return the answer for the API. Throws NotAllowedError if the person cancels. */
export async function provePasskey(options) {
  const proof = await navigator.credentials.get({
    publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: withBytes(options.allowCredentials) },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = proof.response;
  return answer(proof, { clientDataJSON, authenticatorData, signature, ...(userHandle ? { userHandle } : {}) }, {});
}

function answer(credential, buffers, others) {
  const encoded = Object.fromEntries(Object.entries(buffers).map(([name, buffer]) => [name, toText(buffer)]));
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { ...encoded, ...others },
  };
}
