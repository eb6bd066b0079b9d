package minwww.interop;

import java.util.Properties;
import net.i2p.data.Hash;
import net.i2p.router.Router;
import net.i2p.router.RouterContext;

/** Runs one Java I2P router in the directory given as the only argument. */
public final class RouterLauncher {
    /** No router builds tunnels for others so early. */
    private static final int STARTUP_SECONDS = 90;

    public static void main(String[] args) throws Exception {
        String directory = args[0];
        Properties p = new Properties();
        for (String key : new String[] {"base", "config", "router", "app", "log", "pid"}) p.setProperty("i2p.dir." + key, directory);
        p.setProperty("i2p.dir.temp", directory + "/tmp");
        p.setProperty("router.configLocation", directory + "/router.config");
        p.setProperty("router.clientConfigFile", directory + "/clients.config");
        // Parts of the router read the system properties, others those of the context.
        for (String key : p.stringPropertyNames()) System.setProperty(key, p.getProperty(key));
        Router router = new Router(directory + "/router.config", p);
        router.setKillVMOnEnd(true);
        router.runRouter();
        forgiveWhileStarting(router.getContext());
        Thread.sleep(Long.MAX_VALUE);
    }

    /**
     * A floodfill that wants to send before its own transports are up bans the peer for it ("No transports (hidden or
     * starting up?)"), as does one whose peer is not up yet: for seven minutes and more, which is longer than a test.
     */
    private static void forgiveWhileStarting(RouterContext context) throws InterruptedException {
        for (int second = 0; second < STARTUP_SECONDS; second++) {
            Thread.sleep(1000);
            for (Hash peer : context.banlist().getEntries().keySet()) context.banlist().unbanlistRouter(peer);
        }
    }
}
