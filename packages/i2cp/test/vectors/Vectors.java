import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.*;
import net.i2p.I2PAppContext;
import net.i2p.client.*;
import net.i2p.client.datagram.*;
import net.i2p.crypto.*;
import net.i2p.data.*;
import net.i2p.data.i2cp.*;

/**
 * Writes java.json: what Java I2P's own classes (Maven Central, net.i2p:i2p) serialize and sign, for java.test.ts.
 * Run: javac -cp i2p.jar Vectors.java && java -Dtime.disabled=true -cp i2p.jar:. Vectors > java.json
 */
public class Vectors {
    static final Map<String, String> out = new TreeMap<>();
    static void put(String name, byte[] b) { out.put(name, java.util.HexFormat.of().formatHex(b)); }
    static void text(String name, String s) { out.put(name, s); }
    static void message(String name, I2CPMessageImpl m) throws Exception {
        ByteArrayOutputStream o = new ByteArrayOutputStream();
        m.writeMessage(o);
        put("message." + name, o.toByteArray());
    }

    static byte[] hexBytes(int value, int length) { byte[] b = new byte[length]; Arrays.fill(b, (byte) value); return b; }

    static LeaseSet2 fill(LeaseSet2 ls, Destination d, PublicKey enc, long published) throws Exception {
        ls.setDestination(d);
        ls.addEncryptionKey(enc);
        ls.setPublished(published);
        for (int i = 0; i < 2; i++) {
            Lease2 lease = new Lease2();
            lease.setGateway(new Hash(hexBytes(i + 1, 32)));
            lease.setTunnelId(new TunnelId(1000 + i));
            lease.setEndDate(published + 600_000 - i * 60_000);
            ls.addLease(lease);
        }
        return ls;
    }

    public static void main(String[] args) throws Exception {
        I2PAppContext ctx = I2PAppContext.getGlobalContext();
        I2PClient client = I2PClientFactory.createClient();
        ByteArrayOutputStream dat = new ByteArrayOutputStream();
        Destination dest = client.createDestination(dat, SigType.EdDSA_SHA512_Ed25519);
        put("dat.ed25519", dat.toByteArray());
        text("base64", dest.toBase64());
        text("b32", dest.toBase32());
        for (SigType type : new SigType[] { SigType.DSA_SHA1, SigType.ECDSA_SHA256_P256, SigType.ECDSA_SHA384_P384, SigType.ECDSA_SHA512_P521, SigType.RedDSA_SHA512_Ed25519 }) {
            ByteArrayOutputStream o = new ByteArrayOutputStream();
            client.createDestination(o, type);
            put("dat." + type, o.toByteArray());
        }
        for (SigType type : SigType.values()) {
            SimpleDataStructure[] kp = KeyGenerator.getInstance().generateSigningKeys(type);
            Signature sig = ctx.dsa().sign(DataHelper.getUTF8("signed by Java I2P"), (SigningPrivateKey) kp[1]);
            if (sig == null) continue;
            put("signature." + type.getCode() + ".key", kp[0].getData());
            put("signature." + type.getCode() + ".signature", sig.getData());
        }

        byte[] datBytes = dat.toByteArray();
        ByteArrayInputStream in = new ByteArrayInputStream(datBytes);
        Destination d = Destination.create(in);
        PrivateKey unused = new PrivateKey(); unused.readBytes(in);
        SigningPrivateKey spk = new SigningPrivateKey(SigType.EdDSA_SHA512_Ed25519); spk.readBytes(in);
        SigningPublicKey pub = d.getSigningPublicKey();

        text("b33.plain", Blinding.encode(pub));
        text("b33.both", Blinding.encode(pub, true, true));
        long when = 1_700_000_000_000L;
        SigningPrivateKey alpha = Blinding.generateAlpha(ctx, pub, null, when);
        put("alpha", alpha.getData());
        put("alpha.secret", Blinding.generateAlpha(ctx, pub, "secret", when).getData());
        put("blinded", Blinding.blind(pub, alpha).getData());

        KeyPair enc = ctx.keyGenerator().generatePKIKeys(EncType.ECIES_X25519);
        long published = System.currentTimeMillis() / 1000 * 1000;
        LeaseSet2 ls = fill(new LeaseSet2(), d, enc.getPublic(), published);
        Properties o = new Properties(); o.setProperty("_smtp._tcp", "0 999999 25"); o.setProperty("Zeta", "1");
        ls.setOptions(o);
        ls.sign(spk);
        put("leaseset2", ls.toByteArray());

        EncryptedLeaseSet els = (EncryptedLeaseSet) fill(new EncryptedLeaseSet(), d, enc.getPublic(), published);
        els.sign(spk);
        put("encrypted", els.toByteArray());
        els = new EncryptedLeaseSet(); els.setSecret("secret"); fill(els, d, enc.getPublic(), published);
        els.sign(spk);
        put("encrypted.secret", els.toByteArray());
        KeyPair auth = ctx.keyGenerator().generatePKIKeys(EncType.ECIES_X25519);
        els = (EncryptedLeaseSet) fill(new EncryptedLeaseSet(), d, enc.getPublic(), published);
        els.sign(spk, BlindData.AUTH_DH, Collections.singletonList(auth.getPublic()));
        put("encrypted.dh", els.toByteArray());
        put("encrypted.dh.key", auth.getPrivate().getData());
        PrivateKey psk = new PrivateKey(EncType.ECIES_X25519, hexBytes(9, 32));
        els = (EncryptedLeaseSet) fill(new EncryptedLeaseSet(), d, enc.getPublic(), published);
        els.sign(spk, BlindData.AUTH_PSK, Collections.singletonList(psk));
        put("encrypted.psk", els.toByteArray());

        SessionId id = new SessionId(77);
        Hash hash = new Hash(hexBytes(3, 32));
        SessionConfig config = new SessionConfig(d);
        Properties p = new Properties();
        p.setProperty("inbound.length", "1"); p.setProperty("i2cp.leaseSetEncType", "4"); p.setProperty("Upper", "\u00fc");
        config.setOptions(p);
        config.signSessionConfig(spk);
        CreateSessionMessage create = new CreateSessionMessage(); create.setSessionConfig(config);
        message("CreateSession", create);
        ReconfigureSessionMessage re = new ReconfigureSessionMessage(); re.setSessionId(id); re.setSessionConfig(config);
        message("ReconfigureSession", re);
        Payload payload = new Payload(); payload.setEncryptedData(hexBytes(5, 100));
        DateAndFlags df = new DateAndFlags(); df.setDate(when); df.setFlags(0x100);
        message("SendMessageExpires", new SendMessageExpiresMessage(id, d, payload, 4242, df));
        SendMessageMessage send = new SendMessageMessage(); send.setSessionId(id); send.setDestination(d); send.setPayload(payload); send.setNonce(4242);
        message("SendMessage", send);
        MessagePayloadMessage mp = new MessagePayloadMessage(77, 88, payload);
        message("MessagePayload", mp);
        MessageStatusMessage ms = new MessageStatusMessage(); ms.setSessionId(77); ms.setMessageId(88); ms.setStatus(21); ms.setSize(0); ms.setNonce(4242);
        message("MessageStatus", ms);
        message("HostLookup.hash", new HostLookupMessage(id, hash, 5, 10000));
        message("HostLookup.name", new HostLookupMessage(id, "example.i2p", 6, 10000));
        message("HostReply.success", new HostReplyMessage(id, d, 5));
        message("HostReply.failure", new HostReplyMessage(id, HostReplyMessage.RESULT_SECRET_REQUIRED, 6));
        message("BandwidthLimits", new BandwidthLimitsMessage(1, 2, 3, 4, 5, 6, 7));
        Properties login = new Properties(); login.setProperty("i2cp.username", "u"); login.setProperty("i2cp.password", "p");
        message("GetDate", new GetDateMessage("0.9.64", login));
        SetDateMessage sd = new SetDateMessage("0.9.64"); sd.setDate(new Date(when));
        message("SetDate", sd);
        SessionStatusMessage ss = new SessionStatusMessage(); ss.setSessionId(id); ss.setStatus(1);
        message("SessionStatus", ss);
        RequestVariableLeaseSetMessage rv = new RequestVariableLeaseSetMessage(); rv.setSessionId(id);
        Lease lease = new Lease(); lease.setGateway(hash); lease.setTunnelId(new TunnelId(9)); lease.setEndDate(when); rv.addEndpoint(lease);
        message("RequestVariableLeaseSet", rv);
        RequestLeaseSetMessage rl = new RequestLeaseSetMessage(); rl.setSessionId(id); rl.addEndpoint(hash, new TunnelId(9)); rl.setEndDate(new Date(when));
        message("RequestLeaseSet", rl);
        CreateLeaseSet2Message cl = new CreateLeaseSet2Message(); cl.setSessionId(id); cl.setLeaseSet(ls); cl.addPrivateKey(enc.getPrivate());
        message("CreateLeaseSet2", cl);
        cl = new CreateLeaseSet2Message(); cl.setSessionId(id); cl.setLeaseSet(els); cl.addPrivateKey(enc.getPrivate());
        message("CreateLeaseSet2.encrypted", cl);
        message("BlindingInfo.key", new BlindingInfoMessage(pub, id, 0x7fffffff, BlindData.AUTH_DH, SigType.RedDSA_SHA512_Ed25519, auth.getPrivate(), "secret"));
        message("BlindingInfo.destination", new BlindingInfoMessage(d, id, 0x7fffffff, BlindData.AUTH_NONE, SigType.RedDSA_SHA512_Ed25519, null, null));
        message("BlindingInfo.name", new BlindingInfoMessage("example.i2p", id, 0x7fffffff, BlindData.AUTH_PSK, SigType.RedDSA_SHA512_Ed25519, psk, null));
        DisconnectMessage dm = new DisconnectMessage(); dm.setReason("bye");
        message("Disconnect", dm);
        message("DestLookup", new DestLookupMessage(hash));
        message("DestReply.success", new DestReplyMessage(d));
        message("DestReply.failure", new DestReplyMessage(hash));
        DestroySessionMessage ds = new DestroySessionMessage(); ds.setSessionId(id);
        message("DestroySession", ds);
        message("GetBandwidthLimits", new GetBandwidthLimitsMessage());
        ReceiveMessageBeginMessage rb = new ReceiveMessageBeginMessage(); rb.setSessionId(77); rb.setMessageId(88);
        message("ReceiveMessageBegin", rb);
        ReceiveMessageEndMessage rn = new ReceiveMessageEndMessage(); rn.setSessionId(77); rn.setMessageId(88);
        message("ReceiveMessageEnd", rn);
        ReportAbuseMessage ra = new ReportAbuseMessage(); ra.setSessionId(id); AbuseSeverity sev = new AbuseSeverity(); sev.setSeverity(3); ra.setSeverity(sev); AbuseReason why = new AbuseReason(); why.setReason("why"); ra.setReason(why); ra.setMessageId(new MessageId(88));
        message("ReportAbuse", ra);

        StringBuilder json = new StringBuilder("{\n");
        for (Map.Entry<String, String> e : out.entrySet()) json.append("  \"" + e.getKey() + "\": \"" + e.getValue() + "\",\n");
        System.out.println(json.substring(0, json.length() - 2) + "\n}");
    }
}
